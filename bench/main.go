package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/weir-go/weir/bench/contestant"
)

type options struct {
	rounds         int
	quick, json    bool
	only, limiters string
	profile        string
}

func main() {
	// SIGPIPE: if the reader of the output closes it early, the run must still stop its Redis.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "interleaved rounds; tables show the median")
	flag.BoolVar(&o.quick, "quick", false, "short measurements, and one round unless --rounds is given; to try something")
	flag.BoolVar(&o.json, "json", false, "print one JSON object instead of tables")
	flag.StringVar(&o.only, "only", "", "workloads to run, such as A,B; default all of A,B,C,D,X,R,S,T,M")
	flag.StringVar(&o.limiters, "limiters", "", "names of the contestants to run, separated by commas; default all")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the whole run to this file")
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.quick && !given["rounds"] {
		o.rounds = 1
	}
	if err := bench(ctx, o, os.Stdout, os.Stderr); err != nil {
		if context.Cause(ctx) != nil {
			err = context.Cause(ctx)
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func bench(ctx context.Context, o options, out, progress io.Writer) error {
	chosen, err := choose(workloads(), o.only, func(w workload) string { return w.letter })
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	contestants, err := choose(contestant.All(), o.limiters, func(c contestant.Contestant) string { return c.Name })
	if err != nil {
		return fmt.Errorf("--limiters: %w", err)
	}
	if o.rounds < 1 || flag.NArg() > 0 {
		return errors.New("want --rounds of 1 or more, and no arguments")
	}
	redis, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer redis.stop()
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	s := &session{server: redis, contestants: contestants, rounds: o.rounds, quick: o.quick, progress: progress}
	began, before := time.Now(), load()
	for _, w := range chosen {
		if err := w.run(ctx, s); err != nil {
			return fmt.Errorf("workload %s: %w", w.letter, err)
		}
	}
	m := machine{
		Redis: s.version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Rounds: o.rounds, Quick: o.quick, Began: began.Round(time.Second), Seconds: time.Since(began).Round(time.Second).Seconds(),
		LoadBefore: before, LoadAfter: load(),
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", " ")
		return e.Encode(map[string]any{"machine": m, "tables": s.tables, "goals": s.goals()})
	}
	_, _ = fmt.Fprintln(out, m)
	for _, t := range s.tables {
		t.print(out)
	}
	printGoals(out, s.goals())
	return nil
}

// choose returns the elements of all whose names are in a list separated by commas, in the order of all. It returns all for an empty list,
// and an error for an unknown name.
func choose[T any](all []T, list string, name func(T) string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	var known []string
	for _, x := range all {
		known = append(known, name(x))
	}
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("%q is none of %s", w, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !slices.Contains(wanted, name(x)) }), nil
}

// machine describes where and how a run was made.
type machine struct {
	Redis, Go, System     string
	CPUs, Rounds          int
	Quick                 bool
	Began                 time.Time
	Seconds               float64
	LoadBefore, LoadAfter string // load averages of the last 1, 5 and 15 minutes; LoadAfter includes the load of the bench
}

func (m machine) String() string {
	quick := ""
	if m.Quick {
		quick = ", quick"
	}
	return fmt.Sprintf("%s, Redis %s, %s, %d CPUs; medians of %d interleaved rounds%s; %s for %v; load %s before, %s after",
		m.Go, m.Redis, m.System, m.CPUs, m.Rounds, quick, m.Began.Format(time.DateTime), time.Duration(m.Seconds)*time.Second, m.LoadBefore, m.LoadAfter)
}

// load returns the load averages of the machine, or "unknown" without /proc/loadavg.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
