package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/providers"
)

// Anthropic runs a call of Claude as a task on the route "anthropic" and returns its result. The call waits for its token and for a slot, and
// runs again as the orchestrator's Retry says. opts count before the route and the name that Anthropic gives the task.
//
// log is told how the call ended, nil for nobody: at level debug its route, name, attempts, and how long it waited and ran; at level warning the
// error too, unless ctx has ended. name says what the call is for, such as "plan the playlist". It is the name of the task in traces, and should
// have few values. The errors are those of [orchestrator.Execute].
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

// run runs a call and tells the log how it ended.
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

// ended tells the log how something ended, a call or a batch.
func ended(ctx context.Context, log *slog.Logger, what string, err error, attributes ...slog.Attr) {
	if log == nil {
		return
	}
	level, text := slog.LevelDebug, what+" ended"
	if err != nil {
		text = what + " failed"
		if ctx.Err() == nil { // else somebody gave up, and knows
			level = slog.LevelWarn
		}
		attributes = append(attributes, slog.Any("error", err))
	}
	log.LogAttrs(ctx, level, text, attributes...)
}

// rounded is a time as an operator reads it.
func rounded(d time.Duration) time.Duration { return max(0, d.Round(time.Millisecond)) }

// stopwatch measures the attempts of a call. An attempt that overran its timeout may still go on when the call has ended.
type stopwatch struct {
	mu       sync.Mutex
	attempts int
	ran      time.Duration
	since    time.Time // of the attempt under way; zero for none
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
