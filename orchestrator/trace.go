package orchestrator

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
)

// Names of the attributes of spans.
const (
	attrRoute     = attribute.Key("weir.route")
	attrBucket    = attribute.Key("weir.bucket")     // that set the due time
	attrTokenWait = attribute.Key("weir.token_wait") // s, from asking until due
	attrTurns     = attribute.Key("weir.turns")      // times that the route came back with a ticket
)

// traceStart records how the task came to start, queued and acquire, and opens the span of its execution.
func (t *task) traceStart(ctx context.Context, r *limiter.Reservation) (context.Context, trace.Span) {
	if !t.span.IsRecording() {
		return ctx, t.span
	}
	t.span.SetAttributes(attrRoute.String(t.lane.route))
	// A task may overtake one that was asked for before it and was cancelled.
	asked := t.askedAt
	if asked.IsZero() {
		asked = t.startedAt
	}
	_, queued := t.o.tracer.Start(ctx, "queued", trace.WithTimestamp(t.queuedAt))
	queued.End(trace.WithTimestamp(asked))
	_, acquire := t.o.tracer.Start(ctx, "acquire", trace.WithTimestamp(asked), trace.WithAttributes(
		attrRoute.String(t.lane.route), attrBucket.String(r.Bucket()), attrTokenWait.Float64(r.Wait().Seconds()), attrTurns.Int(r.Turns())))
	acquire.End(trace.WithTimestamp(t.startedAt))
	return t.o.tracer.Start(ctx, "execute", trace.WithTimestamp(t.startedAt))
}

// traceNeverStarted records how far a task came that ended before it could start.
func (t *task) traceNeverStarted(now time.Time) {
	if !t.span.IsRecording() {
		return
	}
	t.span.SetAttributes(attrRoute.String(t.lane.route))
	asked := t.askedAt
	if asked.IsZero() {
		asked = now
	}
	_, queued := t.o.tracer.Start(t.ctx, "queued", trace.WithTimestamp(t.queuedAt))
	queued.End(trace.WithTimestamp(asked))
	if asked.Before(now) {
		_, acquire := t.o.tracer.Start(t.ctx, "acquire", trace.WithTimestamp(asked), trace.WithAttributes(attrRoute.String(t.lane.route)))
		acquire.End(trace.WithTimestamp(now))
	}
}

func endSpan(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
