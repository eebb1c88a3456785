package orchestrator

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Names of the attributes of spans, and of log lines.
const (
	attrRoute     = attribute.Key("weir.route")
	attrBucket    = attribute.Key("weir.bucket")     // that set the due time
	attrTokenWait = attribute.Key("weir.token_wait") // s, from asking until due
	attrTurns     = attribute.Key("weir.turns")      // times that the route came back with a ticket
	attrAttempt   = attribute.Key("weir.attempt")    // 1 for the first
	attrBatch     = attribute.Key("weir.batch")
	attrTasks     = attribute.Key("weir.batch.tasks")
)

// lookAgain is how often it is looked whether somebody listens to spans by now. Where nobody does, a task costs none: a
// span of nothing is three allocations.
const lookAgain = time.Second

// start begins a span, now, if anybody listens; else it returns nil.
func (o *Orchestrator) start(ctx context.Context, now int64, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !o.traced.Load() {
		last := o.tracedAt.Load()
		if now-last < int64(lookAgain) || !o.tracedAt.CompareAndSwap(last, now) {
			return ctx, nil
		}
	}
	with, span := o.tracer.Start(ctx, name, opts...)
	if !o.traced.Load() {
		// A provider that does nothing hands its parent on.
		if sc := span.SpanContext(); !sc.IsValid() || sc.Equal(trace.SpanContextFromContext(ctx)) {
			return ctx, nil
		}
		o.traced.Store(true)
	}
	return with, span
}

// trace begins the span of a task, linked to that of its batch, if it has one.
func (o *Orchestrator) trace(t *task, batch trace.Span, now int64) {
	if t.more != nil && t.more.span != nil {
		return
	}
	name, links := "task "+plainName, []trace.SpanStartOption(nil)
	if o.traced.Load() {
		if t.opts != nil {
			name = "task " + t.opts.name
		}
		if batch != nil {
			links = append(links, trace.WithLinks(trace.Link{SpanContext: batch.SpanContext()}))
		}
	}
	if ctx, span := o.start(t.ctx, now, name, links...); span != nil {
		if t.opts != nil {
			span.SetName("task " + t.opts.name)
		}
		m := t.extra()
		m.span, t.ctx = span, ctx
	}
}

// span is that of a task, nil if it has none that anybody records.
func (t *task) span() trace.Span {
	if t.more == nil || t.more.span == nil || !t.more.span.IsRecording() {
		return nil
	}
	return t.more.span
}

// traceAttempt records how an attempt came to start, queued and acquire, and begins the span of its execution. It returns
// the context of the attempt.
func (o *Orchestrator) traceAttempt(t *task, r *run) context.Context {
	if t.span() == nil {
		return r
	}
	route := attrRoute.String(t.opts.lane.route)
	if t.tries == 1 {
		t.more.span.SetAttributes(route)
	}
	attempt := attrAttempt.Int(int(t.tries))
	since, start := o.at(t.queuedAt), o.at(r.startedAt)
	if t.tries > 1 {
		since = o.at(t.more.resumedAt)
	}
	// The lane asks for its tasks, not for each: a task that came later takes a part of that wait.
	asked := o.at(t.more.asked)
	if asked.Before(since) {
		asked = since
	}
	if asked.After(start) {
		asked = start
	}
	var wait time.Duration // for the token, not for the call that asked for it
	if r.reservation.TokenWait() > 0 || t.more.turns > 0 {
		wait = max(0, r.reservation.Due().Sub(asked))
	}
	_, queued := o.tracer.Start(t.ctx, "queued", trace.WithTimestamp(since), trace.WithAttributes(route, attempt))
	queued.End(trace.WithTimestamp(asked))
	_, acquire := o.tracer.Start(t.ctx, "acquire", trace.WithTimestamp(asked), trace.WithAttributes(route, attempt,
		attrBucket.String(r.reservation.Bucket()), attrTokenWait.Float64(wait.Seconds()), attrTurns.Int(t.more.turns)))
	acquire.End(trace.WithTimestamp(start))
	_, execute := o.tracer.Start(t.ctx, "execute", trace.WithTimestamp(start), trace.WithAttributes(route, attempt))
	t.more.attempt = execute
	return trace.ContextWithSpan(r, execute)
}

// traceAttemptEnd ends the span of an execution.
func (o *Orchestrator) traceAttemptEnd(t *task, err error) {
	if t.more == nil || t.more.attempt == nil {
		return
	}
	endSpan(t.more.attempt, err)
	t.more.attempt = nil
}

// traceRefused ends the span of a task that was not taken in.
func (o *Orchestrator) traceRefused(t *task, err error) {
	if t.more != nil && t.more.span != nil {
		endSpan(t.more.span, err)
	}
}

// record says how a task ended: in its span and in a line of the log. It runs without mu.
func (o *Orchestrator) record(t *task) {
	level := o.cfg.Level.Level()
	logged := !t.is(inner) && o.log.Enabled(t.ctx, level)
	span := t.span()
	if !logged && span == nil && (t.more == nil || t.more.span == nil) {
		return
	}
	err, now := t.job.failure(), o.now()
	if span != nil && t.attempt.t == nil {
		span.SetAttributes(attrRoute.String(t.opts.lane.route))
		_, queued := o.tracer.Start(t.ctx, "queued", trace.WithTimestamp(o.at(t.queuedAt)), trace.WithAttributes(attrRoute.String(t.opts.lane.route)))
		queued.End()
	}
	if t.more != nil && t.more.span != nil {
		endSpan(t.more.span, err)
	}
	if !logged {
		return
	}
	waited, ran := now-t.queuedAt, int64(0)
	if t.attempt.t != nil {
		waited, ran = t.attempt.startedAt-t.queuedAt, now-t.attempt.startedAt
	}
	line := []slog.Attr{
		slog.String("task", t.opts.name), slog.String("route", t.opts.lane.route), slog.String("class", t.opts.class.String()),
		slog.Duration("waited", time.Duration(waited)), slog.Duration("ran", time.Duration(ran)), slog.Int("attempts", int(t.tries)),
	}
	if err != nil {
		line = append(line, slog.String("error", text(err)))
	}
	if sc := trace.SpanContextFromContext(t.ctx); sc.IsValid() {
		line = append(line, slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	o.log.LogAttrs(t.ctx, level, "task ended", line...)
}

func endSpan(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, text(err))
	}
	span.End()
}

// traceBatch begins the span of a batch.
func (b *Batch[T]) traceBatch(ctx context.Context, tasks int) {
	if _, span := b.o.start(ctx, b.o.now(), "batch"); span != nil {
		span.SetAttributes(attrBatch.String(b.id), attrTasks.Int(tasks))
		b.span = span
	}
}

// traceEnd ends it.
func (b *Batch[T]) traceEnd(err error) {
	if b.span != nil {
		endSpan(b.span, err)
	}
}
