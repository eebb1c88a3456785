// Command replica is one process of the fleet that package faults plays faults against. It runs tasks again and again: each waits for
// its token and then calls the provider once.
//
// The command reads words from its standard input, a line each, and prints a line of JSON on its standard output for each word: report
// counts what has happened; rest ends the loops of tasks and waits until no task is under way; go starts the loops again; rate N sets the
// rate for the whole fleet; hold D reports that the provider asks to wait; waits has only the waits count of tasks that begin from now on;
// disputed looks at the limits that replicas want. The first line says that the replica is ready. SIGTERM drains the replica: a line follows
// when no further task can start, and the last when all is over.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// settings are the flags.
type settings struct {
	redis, provider, name string
	tasks                 int
	deadline, drain       time.Duration
	pool                  int
	readTimeout           time.Duration
	rate, burst           int64
	per, horizon          time.Duration
	window, empty         bool
	whenAway              string
}

func parse() settings {
	var s settings
	flag.StringVar(&s.redis, "redis", "", "redis://host:port, cluster://host:port,host:port or sentinel://host:port,host:port/master")
	flag.StringVar(&s.provider, "provider", "", "URL of the provider")
	flag.StringVar(&s.name, "name", "", "name of the replica")
	flag.IntVar(&s.tasks, "tasks", 32, "tasks at the same time")
	flag.DurationVar(&s.deadline, "deadline", 0, "deadline of each task; 0 is none")
	flag.DurationVar(&s.drain, "drain", 5*time.Second, "how long a drain may take")
	flag.IntVar(&s.pool, "pool", 0, "connections to Redis; 0 is the client's default")
	flag.DurationVar(&s.readTimeout, "read-timeout", time.Second, "timeout of one read from Redis")
	flag.Int64Var(&s.rate, "rate", 34, "tokens in each -per")
	flag.DurationVar(&s.per, "per", time.Second, "time of the limit")
	flag.Int64Var(&s.burst, "burst", 4, "burst of the limit")
	flag.BoolVar(&s.window, "window", false, "count the starts of the last -per instead of refilling")
	flag.BoolVar(&s.empty, "empty", false, "begin without tokens")
	flag.DurationVar(&s.horizon, "horizon", 0, "horizon; 0 is the limiter's default")
	flag.StringVar(&s.whenAway, "when-away", "closed", "local, closed or open: what to do while Redis is away")
	flag.Parse()
	return s
}

func main() {
	redis.SetLogger(silence{})
	if err := run(parse()); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

// silence keeps the client from writing to stderr what its errors say.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

const route = "provider"

func (s settings) limit() limiter.Limit {
	l := limiter.Limit{Tokens: s.rate, Per: s.per, Burst: s.burst}
	if s.window {
		l = limiter.PerWindow(s.rate, s.per)
	}
	if s.empty {
		l.Begin = limiter.Empty
	}
	return l
}

// disputes is how many buckets there are of which replicas want different limits.
func disputes(ctx context.Context, l *limiter.Limiter) (n int, err error) {
	snapshot, err := l.Snapshot(ctx)
	for _, b := range snapshot.Buckets {
		if len(b.Wanted) > 0 {
			n++
		}
	}
	return n, err
}

func run(s settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	always, begun := context.WithoutCancel(ctx), time.Now()

	rdb, err := connect(s)
	if err != nil {
		return err
	}
	defer rdb.Close() //nolint:errcheck // the process ends
	cfg := limiter.SingleBucket(route, s.limit())
	cfg.Replica, cfg.Horizon = s.name, s.horizon
	mode, known := map[string]limiter.WhenAway{"local": limiter.FailLocal, "closed": limiter.FailClosed, "open": limiter.FailOpen}[s.whenAway]
	if !known {
		return fmt.Errorf("-when-away %q: want local, closed or open", s.whenAway)
	}
	cfg.WhenAway = mode
	l, err := limiter.New(ctx, rdb, cfg)
	if err != nil {
		return err
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: s.tasks, Route: route, Retry: orchestrator.Retry{Attempts: 1}, WarnPending: -1})
	if err != nil {
		return err
	}
	c := &crew{
		settings: s, orchestrator: o,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: s.tasks}},
	}
	disputed := 0
	lines := json.NewEncoder(os.Stdout)
	say := func(event string) error {
		r := c.report()
		r.Event, r.Replica, r.Disputed = event, s.name, disputed
		r.SteppedS = (time.Now().Round(0).Sub(begun.Round(0)) - time.Since(begun)).Seconds()
		r.ScriptCalls, r.Replicas, r.Late = l.StoreCalls(), l.Replicas(), o.Snapshot().Late
		return lines.Encode(r)
	}

	c.begin(ctx)
	if err := say("ready"); err != nil {
		return err
	}
	words := read(os.Stdin)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case word, open := <-words:
			if !open { // the harness is gone
				stop()
				continue
			}
			event := "report"
			word, number, _ := strings.Cut(word, " ")
			switch word {
			case "rest":
				c.rest()
				event = "resting"
			case "go":
				c.begin(ctx)
			case "disputed":
				disputed, err = disputes(ctx, l)
			case "waits":
				c.forgetWaits()
			case "rate":
				limit := s.limit()
				if limit.Tokens, err = strconv.ParseInt(number, 10, 64); err == nil {
					err = l.Configure(ctx, route, limit)
				}
			case "hold":
				var d time.Duration
				if d, err = time.ParseDuration(number); err == nil {
					err = l.Report(ctx, route, limiter.Throttled{RetryAfter: d})
				}
			}
			if err != nil {
				return err
			}
			if err := say(event); err != nil {
				return err
			}
		}
	}

	limit, cancel := context.WithTimeout(always, s.drain)
	defer cancel()
	_, drained := o.Drain(limit, orchestrator.Drain{HandBack: true})
	if err := say("stopped"); err != nil {
		return err
	}
	c.rest()
	if err := l.Close(limit); err != nil {
		return err
	}
	if err := say("ended"); err != nil {
		return err
	}
	return drained
}

// read sends each line, and closes the channel at the end.
func read(in *os.File) <-chan string {
	words := make(chan string)
	go func() {
		defer close(words)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			words <- strings.TrimSpace(lines.Text())
		}
	}()
	return words
}
