package orchestrator

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Names of the attributes of spans, and of metrics.
const (
	attrRoute     = attribute.Key("weir.route")
	attrBucket    = attribute.Key("weir.bucket")     // the bucket that set the due time
	attrTokenWait = attribute.Key("weir.token_wait") // s, from asking until due
	attrTurns     = attribute.Key("weir.turns")      // answers of the limiter without a reservation
	attrAttempt   = attribute.Key("weir.attempt")    // 1 for the first
	attrKind      = attribute.Key("weir.throttled.kind")
	attrAfter     = attribute.Key("weir.retry_after") // s, the wait that a provider asks for
	attrBatch     = attribute.Key("weir.batch")
	attrTasks     = attribute.Key("weir.batch.tasks")
)

// lookAgain is how often the observer checks whether spans are recorded. If not, a task has no spans: even a span that
// is not recorded costs three allocations.
const lookAgain = time.Second

// start begins a span if spans are recorded; else it returns nil.
func (b *observer) start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !b.traced.Load() {
		last, now := b.tracedAt.Load(), b.o.latest.Load()
		if now-last < int64(lookAgain) || !b.tracedAt.CompareAndSwap(last, now) {
			return ctx, nil
		}
	}
	with, span := b.tracer.Start(ctx, name, opts...)
	if !b.traced.Load() {
		// A no-op provider returns the parent span.
		if sc := span.SpanContext(); !sc.IsValid() || sc.Equal(trace.SpanContextFromContext(ctx)) {
			return ctx, nil
		}
		b.traced.Store(true)
	}
	return with, span
}

// spanOf begins the span of a task, linked to the span of its batch, if there is one.
func (b *observer) spanOf(t *task, batch trace.Span) {
	var links []trace.SpanStartOption
	if batch != nil && b.traced.Load() {
		links = append(links, trace.WithLinks(trace.Link{SpanContext: batch.SpanContext()}))
	}
	if ctx, span := b.start(t.ctx, t.opts.span, links...); span != nil {
		t.extra().span, t.ctx = span, ctx
	}
}

// recorded returns the span of a task, nil if the task has no recorded span.
func (t *task) recorded() trace.Span {
	if span := t.anySpan(); span != nil && span.IsRecording() {
		return span
	}
	return nil
}

func (t *task) anySpan() trace.Span {
	if t.rare == nil {
		return nil
	}
	return t.rare.span
}

// spansOfStart records the spans before an attempt, "queued" and "acquire", and begins the span of its execution. It
// returns the context of the attempt.
//
//go:noinline
func (b *observer) spansOfStart(t *task, r *run, s core.Start) context.Context {
	route, attempt := attrRoute.String(t.opts.route), attrAttempt.Int(s.Attempt)
	if s.Attempt == 1 {
		t.anySpan().SetAttributes(route)
	}
	since, start := b.o.at(s.Queued), b.o.at(r.startedAt)
	// One request of the lane serves several tasks: a task that came after the request has only a part of that wait.
	asked := b.o.at(min(max(s.Asked, s.Queued), r.startedAt))
	var wait time.Duration // for the token, not for the call that asked for it
	if r.reservation.TokenWait() > 0 || s.Turns > 0 {
		wait = max(0, r.reservation.Due().Sub(asked))
	}
	_, queued := b.tracer.Start(t.ctx, "queued", trace.WithTimestamp(since), trace.WithAttributes(route, attempt))
	queued.End(trace.WithTimestamp(asked))
	_, acquire := b.tracer.Start(t.ctx, "acquire", trace.WithTimestamp(asked), trace.WithAttributes(route, attempt,
		attrBucket.String(r.reservation.Bucket()), attrTokenWait.Float64(wait.Seconds()), attrTurns.Int(s.Turns)))
	acquire.End(trace.WithTimestamp(start))
	_, r.span = b.tracer.Start(t.ctx, "execute", trace.WithTimestamp(start), trace.WithAttributes(route, attempt))
	return trace.ContextWithSpan(r, r.span)
}

// reported adds the report about the provider to the span of an attempt.
func (b *observer) reported(r *run, v Verdict) {
	if r.span == nil || !r.span.IsRecording() {
		return
	}
	kind := "overloaded"
	if v.Throttled {
		kind = "throttled"
	}
	r.span.AddEvent("reported", trace.WithAttributes(attrKind.String(kind), attrAfter.Float64(max(0, v.After).Seconds())))
}

// endSpanOf ends the span of a task. A task that never started was queued until now.
//
//go:noinline
func (b *observer) endSpanOf(t *task) {
	if span := t.recorded(); span != nil && !t.Started() {
		route := attrRoute.String(t.opts.route)
		span.SetAttributes(route)
		_, queued := b.tracer.Start(t.ctx, "queued", trace.WithTimestamp(b.o.at(t.Since())), trace.WithAttributes(route))
		queued.End()
	}
	endSpan(t.anySpan(), t.Err())
}

func endSpan(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, text(err))
	}
	span.End()
}

// batch begins the span of a batch; nil if spans are not recorded.
func (b *observer) batch(ctx context.Context, id string, tasks int) trace.Span {
	_, span := b.start(ctx, "batch")
	if span != nil {
		span.SetAttributes(attrBatch.String(id), attrTasks.Int(tasks))
	}
	return span
}
