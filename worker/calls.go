package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/providers"
)

// Anthropic runs a call of Claude as a task on the route "anthropic" and returns its result. The call waits for its
// token and for a slot, and runs again by the orchestrator's Retry. opts override the route and the name that Anthropic
// gives the task.
//
// Anthropic logs to log, unless it is nil, how the call ended. At level debug it logs the route, the name, the
// attempts, and how long the call waited and ran. If the call failed it logs the error too, at level warning, unless
// ctx has ended. name is the purpose of the call, such as "plan the playlist". It is the name of the task in traces, so
// use few different names. The errors are those of [orchestrator.Execute].
func Anthropic[T any](ctx context.Context, o *orchestrator.Orchestrator, log *slog.Logger, name string, call orchestrator.Task[T], opts ...orchestrator.Option) (T, error) {
	return run(ctx, o, log, providers.APIAnthropic, name, call, opts)
}

// Spotify is [Anthropic] for the route "spotify".
func Spotify[T any](ctx context.Context, o *orchestrator.Orchestrator, log *slog.Logger, name string, call orchestrator.Task[T], opts ...orchestrator.Option) (T, error) {
	return run(ctx, o, log, providers.APISpotify, name, call, opts)
}

// LastFM is [Anthropic] for the route "lastfm".
func LastFM[T any](ctx context.Context, o *orchestrator.Orchestrator, log *slog.Logger, name string, call orchestrator.Task[T], opts ...orchestrator.Option) (T, error) {
	return run(ctx, o, log, providers.APILastFM, name, call, opts)
}

// run runs a call and logs how it ended.
func run[T any](ctx context.Context, o *orchestrator.Orchestrator, log *slog.Logger, route, name string, call orchestrator.Task[T], opts []orchestrator.Option) (T, error) {
	var w stopwatch
	began := time.Now()
	value, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (T, error) {
		defer w.attempt()()
		return call(ctx)
	}, append([]orchestrator.Option{orchestrator.Route(route), orchestrator.Name(name)}, opts...)...)
	attempts, ran := w.read()
	ended(ctx, log, "call", err, slog.String("route", route), slog.String("call", name), slog.Int("attempts", attempts),
		slog.Duration("waited", rounded(time.Since(began)-ran)), slog.Duration("ran", rounded(ran)))
	return value, err
}

// ended logs how a call or a batch ended.
func ended(ctx context.Context, log *slog.Logger, what string, err error, attributes ...slog.Attr) {
	if log == nil {
		return
	}
	level, text := slog.LevelDebug, what+" ended"
	if err != nil {
		text = what + " failed"
		if ctx.Err() == nil { // else the caller gave up, and knows it
			level = slog.LevelWarn
		}
		attributes = append(attributes, slog.Any("error", err))
	}
	log.LogAttrs(ctx, level, text, attributes...)
}

// rounded returns a duration rounded for log lines.
func rounded(d time.Duration) time.Duration { return max(0, d.Round(time.Millisecond)) }

// stopwatch measures the attempts of a call. An attempt that overran its timeout may still run when the call has ended.
type stopwatch struct {
	mu       sync.Mutex
	attempts int
	ran      time.Duration
	since    time.Time // of the running attempt; zero for none
}

func (w *stopwatch) attempt() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	w.since = time.Now()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ran += time.Since(w.since)
		w.since = time.Time{}
	}
}

func (w *stopwatch) read() (attempts int, ran time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ran = w.ran
	if !w.since.IsZero() {
		ran += time.Since(w.since)
	}
	return w.attempts, ran
}
