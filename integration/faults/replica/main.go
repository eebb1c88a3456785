// Command replica is one process of a fleet that uses weir. Package faults plays faults against such fleets. Package process describes the
// words that the command reads and the reports that it prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
	"github.com/weir-go/weir/integration/faults/process"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// settings are the flags. No row uses -horizon and -empty: they are for running the command by hand.
type settings struct {
	process.Settings
	horizon       time.Duration
	window, empty bool
}

func main() {
	var s settings
	s.Flags()
	flag.DurationVar(&s.horizon, "horizon", 0, "horizon; 0 is the limiter's default")
	flag.BoolVar(&s.window, "window", false, "count the starts of the last -per instead of refilling")
	flag.BoolVar(&s.empty, "empty", false, "begin without tokens")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
}

const route = "provider"

func (s settings) limit(tokens int64) limiter.Limit {
	l := limiter.Limit{Tokens: tokens, Per: s.Per, Burst: s.Burst}
	if s.window {
		l = limiter.PerWindow(tokens, s.Per)
	}
	if s.empty {
		l.Begin = limiter.Empty
	}
	return l
}

func run(s settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s.MaxRetries = -1 // no retries by go-redis: the limiter retries sooner
	rdb, err := process.Connect(s.Settings)
	if err != nil {
		return err
	}
	defer rdb.Close()
	cfg := limiter.SingleBucket(route, s.limit(s.Rate))
	cfg.Replica, cfg.Horizon = s.Name, s.horizon
	mode, known := map[string]limiter.WhenAway{"local": limiter.FailLocal, "closed": limiter.FailClosed, "open": limiter.FailOpen}[s.WhenAway]
	if !known {
		return fmt.Errorf("-when-away %q: want local, closed or open", s.WhenAway)
	}
	cfg.WhenAway = mode
	l, err := limiter.New(ctx, rdb, cfg)
	if err != nil {
		return err
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: s.Tasks, Route: route, Retry: orchestrator.Retry{Attempts: 1}, WarnPending: -1})
	if err != nil {
		return err
	}
	return process.Run(ctx, s.Settings, &weir{s, l, o})
}

// weir makes a [process.Limiter] of a limiter and an orchestrator.
type weir struct {
	settings
	limiter      *limiter.Limiter
	orchestrator *orchestrator.Orchestrator
}

func (w *weir) Execute(ctx context.Context, task func(context.Context) error) error {
	_, err := orchestrator.Execute(ctx, w.orchestrator, func(ctx context.Context) (struct{}, error) { return struct{}{}, task(ctx) })
	_, tooLate := errors.AsType[*limiter.DeadlineError](err)
	switch {
	case tooLate:
		return context.DeadlineExceeded
	case errors.Is(err, orchestrator.ErrHandedBack):
		return process.ErrHandedBack
	case errors.Is(err, orchestrator.ErrClosed):
		return process.ErrRefused
	}
	return err
}

func (w *weir) SetRate(ctx context.Context, tokens int64) error {
	return w.limiter.Configure(ctx, route, w.limit(tokens))
}

func (w *weir) Hold(ctx context.Context, d time.Duration) error {
	return w.limiter.Report(ctx, route, limiter.Throttled{RetryAfter: d})
}

func (w *weir) Measure(r *outcome.Report) {
	r.ScriptCalls, r.Replicas, r.Late = w.limiter.StoreCalls(), w.limiter.Replicas(), w.orchestrator.Snapshot().Late
}

// Disputed returns the number of buckets for which replicas want different limits.
func (w *weir) Disputed(ctx context.Context) (n int, err error) {
	snapshot, err := w.limiter.Snapshot(ctx)
	for _, b := range snapshot.Buckets {
		if len(b.Wanted) > 0 {
			n++
		}
	}
	return n, err
}

func (w *weir) Drain(ctx context.Context) error {
	_, err := w.orchestrator.Drain(ctx, orchestrator.Drain{HandBack: true})
	return err
}

func (w *weir) Close(ctx context.Context) error { return w.limiter.Close(ctx) }
