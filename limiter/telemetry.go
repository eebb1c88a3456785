package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/internal/version"
	"github.com/weir-go/weir/limiter/internal/lane"
)

// Names of attributes, of metrics and of spans.
const (
	attrRoute     = attribute.Key("weir.route")
	attrResult    = attribute.Key("weir.rate_limiting.result")
	attrKind      = attribute.Key("weir.throttled.kind")
	attrBucket    = attribute.Key("weir.bucket")     // that set the due time
	attrTokenWait = attribute.Key("weir.token_wait") // s, from asking until due
	attrTurns     = attribute.Key("weir.turns")      // times that it had to ask again
	attrMode      = attribute.Key("weir.mode")       // local, open or away, where Redis is away
)

const scope = "github.com/weir-go/weir/limiter"

// result is how a caller's wait ended. Its words are those of the stable metrics of ASP.NET Core's rate limiting.
type result int

const (
	acquired result = iota
	rejected
	canceled
	failed
	results
)

func (r result) String() string {
	return [results]string{"acquired", "rejected", "request_canceled", "backend_error"}[r]
}

func resultOf(err error) result {
	if err == nil {
		return acquired
	}
	_, late := errors.AsType[*DeadlineError](err)
	_, large := errors.AsType[*ExceedsBurstError](err)
	if late || large || errors.Is(err, lane.ErrNotNow) {
		return rejected
	}
	if errors.Is(err, ErrUnavailable) {
		return failed
	}
	return canceled
}

// telemetry is what a limiter reports through the OpenTelemetry API. All of it is fixed at construction, so that calls
// cost nothing if nobody listens.
type telemetry struct {
	tracer   trace.Tracer
	requests metric.Int64Counter
	queue    metric.Float64Histogram
	queued   metric.Int64UpDownCounter
	calls    metric.Float64Histogram
	late     metric.Int64Counter
	away     metric.Int64Gauge
	without  metric.Int64Counter
	shadowed metric.Int64Counter
	refusals metric.Int64Counter
	live     metric.Int64Gauge
	disputed metric.Int64Gauge

	meter       metric.Meter
	limit       metric.Float64ObservableGauge
	utilization metric.Float64ObservableGauge
	tokens      metric.Int64ObservableCounter
	waiting     metric.Int64ObservableGauge
}

func newTelemetry(tp trace.TracerProvider, mp metric.MeterProvider) (*telemetry, error) {
	m := mp.Meter(scope, metric.WithInstrumentationVersion(version.Module()))
	t := &telemetry{tracer: tp.Tracer(scope, trace.WithInstrumentationVersion(version.Module())), meter: m}
	var errs [15]error
	seconds := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
	t.requests, errs[0] = m.Int64Counter("weir.rate_limiting.requests", metric.WithUnit("{request}"),
		metric.WithDescription("Calls that asked to start, by result."))
	t.queue, errs[1] = m.Float64Histogram("weir.rate_limiting.request.time_in_queue", metric.WithUnit("s"), seconds,
		metric.WithDescription("Time from asking until the call may start or is refused."))
	t.queued, errs[2] = m.Int64UpDownCounter("weir.rate_limiting.queued_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Calls that wait to start."))
	t.calls, errs[3] = m.Float64Histogram("weir.rate_limiting.redis.duration", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
		metric.WithDescription("Time of one call to Redis, which many callers may share."))
	t.late, errs[4] = m.Int64Counter("weir.rate_limiting.late", metric.WithUnit("{reservation}"),
		metric.WithDescription("Reservations that came too late to be used and were reserved again."))
	t.live, errs[5] = m.Int64Gauge("weir.rate_limiting.replicas", metric.WithUnit("{replica}"),
		metric.WithDescription("Live replicas of the fleet, as this replica last read."))
	t.disputed, errs[6] = m.Int64Gauge("weir.rate_limiting.disagreements", metric.WithUnit("{bucket}"),
		metric.WithDescription("Buckets about whose limits replicas disagree: the smallest of them are in force."))
	t.limit, errs[7] = m.Float64ObservableGauge("weir.bucket.limit", metric.WithUnit("{token}/s"),
		metric.WithDescription("Rate of each limit in force of each configured bucket."))
	t.utilization, errs[8] = m.Float64ObservableGauge("weir.bucket.utilization", metric.WithUnit("1"),
		metric.WithDescription("Tokens that this process used in the last 10 s, as a part of what the narrowest limit of the bucket gives in that time. "+
			"The sum over the replicas is the fleet's; while calls wait for tokens it should be 0.99 or more."))
	t.tokens, errs[9] = m.Int64ObservableCounter("weir.bucket.tokens", metric.WithUnit("{token}"),
		metric.WithDescription("Tokens that this process reserved (taken), gave back to the fleet (returned), or did not use in time (lost)."))
	t.waiting, errs[10] = m.Int64ObservableGauge("weir.bucket.waiting", metric.WithUnit("{token}"),
		metric.WithDescription("Tokens for which calls of this process wait."))
	t.refusals, errs[11] = m.Int64Counter("weir.throttled", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that a provider refused because of its quota (throttled) or because it was overloaded, as reported."))
	t.shadowed, errs[12] = m.Int64Counter("weir.bucket.shadowed", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that have started and that buckets in shadow mode would have let start at once (acquired), or not (rejected)."))
	t.away, errs[13] = m.Int64Gauge("weir.rate_limiting.away", metric.WithUnit("{replica}"),
		metric.WithDescription("1 while this replica cannot reach Redis, by what it does: local, open, away (calls wait)."))
	t.without, errs[14] = m.Int64Counter("weir.rate_limiting.without_redis", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that could start while Redis was away: local by a share of the limits, open without any."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("limiter: metrics: %w", err)
	}
	return t, nil
}

// labels are the attributes of one route, made once.
type labels struct {
	route   metric.MeasurementOption
	results [results]metric.MeasurementOption
	reports map[string]metric.MeasurementOption // by kind
}

func newLabels(route string) *labels {
	l := &labels{route: metric.WithAttributeSet(attribute.NewSet(attrRoute.String(route))), reports: map[string]metric.MeasurementOption{}}
	for r := range results {
		l.results[r] = metric.WithAttributeSet(attribute.NewSet(attrRoute.String(route), attrResult.String(r.String())))
	}
	for _, r := range []Report{Throttled{}, Overloaded{}} {
		l.reports[r.kind()] = metric.WithAttributeSet(attribute.NewSet(attrRoute.String(route), attrKind.String(r.kind())))
	}
	return l
}

// asks notes that a caller begins to wait. The returned context carries the caller's span, if its trace is recorded.
func (t *telemetry) asks(ctx context.Context, n *lane.Lane) (context.Context, trace.Span) {
	if t.queued.Enabled(ctx) {
		t.queued.Add(ctx, 1, passedOf(n.Route()).labels.route)
	}
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, nil
	}
	return t.tracer.Start(ctx, "acquire", trace.WithAttributes(attrRoute.String(n.Route().Name)))
}

// got notes how a caller's wait ended.
func (t *telemetry) got(ctx context.Context, n *lane.Lane, arrived time.Time, g *lane.Grant, span trace.Span, err error) {
	labels := passedOf(n.Route()).labels
	if t.queued.Enabled(ctx) {
		t.queued.Add(ctx, -1, labels.route)
	}
	if t.requests.Enabled(ctx) {
		t.requests.Add(ctx, 1, labels.results[resultOf(err)])
	}
	if !arrived.IsZero() && t.queue.Enabled(ctx) {
		t.queue.Record(ctx, time.Since(arrived).Seconds(), labels.results[resultOf(err)])
	}
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	} else {
		span.SetAttributes(attrBucket.String(g.Bucket), attrTokenWait.Float64(g.Waited.Seconds()), attrTurns.Int(g.Turns))
		if mode := passedOf(g.Route).mode; mode != Connected {
			span.SetAttributes(attrMode.String(string(mode)))
		}
	}
	span.End()
}

// served notes what a scheduler was granted.
func (t *telemetry) served(ctx context.Context, n *lane.Lane, count int, err error) {
	if err == nil && t.requests.Enabled(ctx) {
		t.requests.Add(ctx, int64(count), passedOf(n.Route()).labels.results[acquired])
	}
}

// pretended notes how a call that was let through would have ended.
func (t *telemetry) pretended(ctx context.Context, n *lane.Lane, wait time.Duration, err error) {
	labels, r := passedOf(n.Route()).labels, resultOf(err)
	if t.requests.Enabled(ctx) {
		t.requests.Add(ctx, 1, labels.results[r])
	}
	if t.queue.Enabled(ctx) {
		t.queue.Record(ctx, max(0, wait.Seconds()), labels.results[r])
	}
}

// judged notes what buckets in shadow mode would have done to a call.
func (t *telemetry) judged(ctx context.Context, of *labels, err error) {
	if t.shadowed.Enabled(ctx) {
		r := resultOf(err)
		if _, large := err.(*lane.TooLargeError); large { //nolint:errorlint // never wrapped
			r = rejected
		}
		t.shadowed.Add(ctx, 1, of.results[r])
	}
}

// mode notes the mode of the replica from now on.
func (t *telemetry) mode(ctx context.Context, now Mode) {
	for _, m := range []Mode{Local, Open, Away} {
		is := int64(0)
		if m == now {
			is = 1
		}
		t.away.Record(ctx, is, metric.WithAttributes(attrMode.String(string(m))))
	}
}

// alone notes calls that could start without Redis.
func (t *telemetry) alone(ctx context.Context, r *lane.Route, calls int) {
	if r.Away == 0 || calls == 0 || !t.without.Enabled(ctx) {
		return
	}
	p := passedOf(r)
	t.without.Add(ctx, int64(calls), metric.WithAttributes(attrRoute.String(r.Name), attrMode.String(string(p.mode))))
}

// tooLate notes a reservation that is dropped because its caller woke up too late.
func (t *telemetry) tooLate(ctx context.Context, g *lane.Grant) {
	if g.Taken() && t.late.Enabled(ctx) {
		t.late.Add(ctx, 1, passedOf(g.Route).labels.route)
	}
}

// reported notes that a provider has refused a call.
func (t *telemetry) reported(ctx context.Context, of *labels, r Report) {
	if t.refusals.Enabled(ctx) {
		t.refusals.Add(ctx, 1, of.reports[r.kind()])
	}
	trace.SpanFromContext(ctx).AddEvent(r.kind())
}

// configured notes what is in force.
func (t *telemetry) configured(ctx context.Context, c configuration) {
	t.live.Record(ctx, int64(c.live))
	disputed, _ := byDispute(c.disputed)
	t.disputed.Record(ctx, int64(len(disputed)))
}

// called notes a call to Redis.
func (t *telemetry) called(ctx context.Context, r *lane.Route, took time.Duration) {
	if t.calls.Enabled(ctx) {
		t.calls.Record(ctx, took.Seconds(), passedOf(r).labels.route)
	}
}
