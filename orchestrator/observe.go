package orchestrator

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/internal/version"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// observer makes all spans, metrics and log lines. Its methods are called without a lock.
type observer struct {
	o      *Orchestrator
	log    *slog.Logger
	tracer trace.Tracer
	meters meters

	traced   atomic.Bool  // spans are recorded
	tracedAt atomic.Int64 // when traced was last checked

	outcomes  [outcomes]atomic.Int64
	shares    atomic.Int64 // callers that shared a run
	failingAt atomic.Int64 // when a failure of the limiter was last logged
}

func newObserver(o *Orchestrator) (*observer, error) {
	b := &observer{o: o, log: o.cfg.Logger, tracer: o.cfg.TracerProvider.Tracer(scope, trace.WithInstrumentationVersion(version.Module()))}
	b.tracedAt.Store(-int64(lookAgain))
	b.failingAt.Store(-int64(logAgain))
	o.batches.warn = func() {
		b.warn(o.life, "a finished batch was forgotten unawaited; further such batches are only counted")
	}
	return b, b.meters.begin(b)
}

// logAgain is the least time between two log lines about a limiter that fails.
const logAgain = 10 * time.Second

func (b *observer) warn(ctx context.Context, message string, attrs ...slog.Attr) {
	b.log.LogAttrs(ctx, slog.LevelWarn, message, attrs...)
}

// submitted is called before a task is queued.
func (b *observer) submitted(t *task, batch trace.Span) { b.spanOf(t, batch) }

// refused is called if the task could not be queued.
func (b *observer) refused(t *task, err error) {
	b.count(t, refusedOutcome)
	endSpan(t.anySpan(), err)
}

// joined is called when callers join runs that had begun.
func (b *observer) joined(n int) { b.shares.Add(int64(n)) }

// starts is called before each attempt. It returns the context for the function.
func (b *observer) starts(t *task, r *run, s core.Start) context.Context {
	b.meters.waited(t, s, r.startedAt)
	if t.recorded() == nil {
		return r
	}
	return b.spansOfStart(t, r, s)
}

// attemptEnds is called after each attempt.
func (b *observer) attemptEnds(r *run, err error) {
	b.meters.ran(r)
	if r.span != nil {
		endSpan(r.span, err)
	}
}

// ended is called once for each task that was queued.
func (b *observer) ended(t *task) {
	b.count(t, outcomeKind(t))
	b.last(t)
}

// shared is called once for each caller that shared the run of another task. Only that other task is counted.
func (b *observer) shared(t *task) { b.last(t) }

// last ends the span of a task and logs the task.
func (b *observer) last(t *task) {
	if t.anySpan() != nil {
		b.endSpanOf(t)
	}
	if level := b.o.cfg.Level.Level(); b.log.Enabled(t.ctx, level) {
		b.line(t, level)
	}
}

// line logs a task. It is a function of its own so that goroutines keep small stacks when tasks are not logged.
//
//go:noinline
func (b *observer) line(t *task, level slog.Level) {
	line := []slog.Attr{
		slog.String("task", t.opts.name), slog.String("route", t.opts.route), slog.String("class", t.opts.class.String()),
		slog.Duration("waited", t.Waited()), slog.Duration("ran", t.Ran()), slog.Int("attempts", t.Tries()),
	}
	if err := t.Err(); err != nil {
		line = append(line, slog.String("error", text(err)))
	}
	if sc := trace.SpanContextFromContext(t.ctx); sc.IsValid() {
		line = append(line, slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	b.log.LogAttrs(t.ctx, level, "task ended", line...)
}

func (b *observer) panicked(t *task, p *PanicError) {
	b.warn(t.ctx, "a task panicked", slog.String("task", t.opts.name), slog.String("route", t.opts.route),
		slog.Any("panic", p.Value), slog.String("stack", string(p.Stack)))
}

// overran is called when a task ended because an attempt took too long. The function of the task still runs.
func (b *observer) overran(t *task, r *run) {
	if b.log.Enabled(t.ctx, slog.LevelWarn) {
		b.stuck(t, Stuck{Route: t.opts.route, Name: t.opts.name, Ran: b.o.now() - r.startedAt, Stack: stacks()[r.label.id]})
	}
}

// stuck is called for a function that still runs after its task has ended.
func (b *observer) stuck(t *task, s Stuck) {
	b.warn(t.ctx, "a task has ended but its function still runs", slog.String("task", s.Name), slog.String("route", s.Route),
		slog.Duration("ran", s.Ran), slog.String("stack", s.Stack))
}

func (b *observer) many(pending int) {
	b.warn(b.o.life, "many tasks wait to start", slog.Int("pending", pending), slog.Int("slots", b.o.cfg.Slots))
}

// limiterFailed is called for each failure of the limiter. One failure in ten seconds is logged.
func (b *observer) limiterFailed(route string, err error, fatal bool) {
	last, now := b.failingAt.Load(), int64(b.o.now())
	if b.o.life.Err() != nil || now-last < int64(logAgain) || !b.failingAt.CompareAndSwap(last, now) {
		return
	}
	message := "the limiter failed; tasks wait, and the route asks again"
	if fatal {
		message = "the limiter refused; tasks end"
	}
	b.warn(b.o.life, message, slog.String("route", route), slog.String("error", text(err)))
}

// reportFailed is called when Redis did not get the report for how long a provider asks to wait. The task waits on its
// own.
func (b *observer) reportFailed(r *run, err error) {
	b.warn(b.o.life, "the fleet did not get the report that a provider asks to wait", slog.String("route", r.t.opts.route), slog.String("error", text(err)))
}

// counted returns the counters of a snapshot.
func (b *observer) counted() Counts {
	n := func(k outcome) int64 { return b.outcomes[k].Load() }
	return Counts{
		Done: n(okOutcome), Failed: n(errorOutcome), Cancelled: n(cancelledOutcome), TimedOut: n(timeoutOutcome),
		Panicked: n(panicOutcome), Shed: n(shedOutcome), Refused: n(refusedOutcome), RetriesSpent: n(spentOutcome),
		HandedBack: n(handedBackOutcome), Joined: b.shares.Load(),
	}
}

func (b *observer) count(t *task, k outcome) {
	b.outcomes[k].Add(1)
	b.meters.count(t, k)
}
