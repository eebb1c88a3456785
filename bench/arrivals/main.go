package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/weir-go/weir/bench/contestant"
	"github.com/weir-go/weir/integration/faults"
)

// measured is the content of the file.
type measured struct {
	Command string `json:"command"`
	Machine string `json:"machine"`
	budget
	Plays []*play `json:"plays"`
}

func main() {
	file := flag.String("json", "", "file to write; if empty, the standard output")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file); err != nil {
		fmt.Fprintln(os.Stderr, "arrivals:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	dir, err := os.MkdirTemp("", "weir-arrivals")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of a temporary directory
	redis, err := faults.StartServer(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer redis.Close()
	m := measured{
		Command: "go -C bench run ./arrivals --json ../docs/pictures/arrivals.json",
		Machine: fmt.Sprintf("%s, %d CPUs, %s", runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		budget:  budget{Rate: 40, Burst: 40, SlackMS: 50, AnswerMS: 50, Replicas: 4, Callers: 10, Calls: 100},
	}
	for _, c := range contestants() {
		p, err := m.played(ctx, c, redis.Admin, contestant.Setup{Addr: redis.Addr, Key: "arrivals-" + c.Name, Replicas: m.Replicas, Rate: m.Rate, Burst: m.Burst})
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %d sent, %d refused, %.1f s, longest wait %.1f s, %d scripts\n", p.Limiter, p.Sent, p.Refused, p.Seconds, p.Longest, p.Scripts)
		m.Plays = append(m.Plays, p)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if text = append(text, '\n'); file == "" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // for everybody to read
}

// contestants returns the limiters in the order of the picture.
func contestants() []contestant.Contestant {
	var chosen []contestant.Contestant
	for _, c := range contestant.All() {
		if c.Name == "weir" || c.Name == "redis_rate" {
			chosen = append(chosen, c)
		}
	}
	return append(chosen, unlimited())
}
