package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-go/weir/internal/version"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// outcome is how a task ended.
type outcome uint8

const (
	okOutcome outcome = iota
	errorOutcome
	cancelledOutcome
	timeoutOutcome
	panicOutcome
	shedOutcome
	refusedOutcome
	spentOutcome
	handedBackOutcome
	outcomes
)

func (k outcome) String() string {
	return [outcomes]string{"ok", "error", "cancelled", "timeout", "panic", "shed", "refused", "retries_spent", "handed_back"}[k]
}

// outcomeKind returns the outcome of a task that has ended.
func outcomeKind(t *task) outcome {
	err := t.Err()
	for _, own := range [...]struct {
		err error
		k   outcome
	}{
		{nil, okOutcome},
		{ErrShed, shedOutcome},
		{ErrHandedBack, handedBackOutcome},
		{ErrClosed, cancelledOutcome},
		{ErrStuck, cancelledOutcome},
		{ErrGoexit, panicOutcome},
	} {
		if err == own.err { //nolint:errorlint // errors of this package, as they are
			return own.k
		}
	}
	switch err.(type) { //nolint:errorlint // as they are
	case *PanicError:
		return panicOutcome
	case *TimeoutError, *limiter.DeadlineError:
		return timeoutOutcome
	case *budgetError:
		return spentOutcome
	}
	if why := t.ctx.Err(); why != nil && (!t.Started() || is(err, why) || is(err, context.Cause(t.ctx))) {
		if errors.Is(why, context.DeadlineExceeded) {
			return timeoutOutcome
		}
		return cancelledOutcome
	}
	return errorOutcome
}

// is is [errors.Is] for an error whose methods may panic.
func is(err, target error) (yes bool) {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}

const (
	attrClass   = attribute.Key("weir.class")
	attrState   = attribute.Key("weir.slot.state")
	attrOutcome = attribute.Key("weir.task.outcome")
)

// meters are the metrics. Their attributes are made once for each route, so that a task costs nothing if no metrics are
// collected.
type meters struct {
	wait, run    metric.Float64Histogram
	ends         metric.Int64Counter
	registration metric.Registration
	routes       sync.Map // of *labelsOfRoute, by route
}

type labelsOfRoute struct {
	route    metric.MeasurementOption
	outcomes [outcomes]metric.MeasurementOption
}

func (m *meters) begin(b *observer) error {
	meter := b.o.cfg.MeterProvider.Meter(scope, metric.WithInstrumentationVersion(version.Module()))
	seconds := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
	var errs [6]error
	m.wait, errs[0] = meter.Float64Histogram("weir.task.wait", metric.WithUnit("s"), seconds,
		metric.WithDescription("Time for which an attempt of a task waited to start."))
	m.run, errs[1] = meter.Float64Histogram("weir.task.run", metric.WithUnit("s"), seconds,
		metric.WithDescription("Time that an attempt of a task took."))
	m.ends, errs[2] = meter.Int64Counter("weir.task.outcomes", metric.WithUnit("{task}"),
		metric.WithDescription("Tasks that ended, by how, and tasks that were refused."))
	pending, err := meter.Int64ObservableGauge("weir.task.pending", metric.WithUnit("{task}"),
		metric.WithDescription("Tasks that wait to start, those that wait for room included."))
	errs[3] = err
	oldest, err := meter.Float64ObservableGauge("weir.task.oldest", metric.WithUnit("s"),
		metric.WithDescription("How long the task has waited that is next in its class."))
	errs[4] = err
	slots, err := meter.Int64ObservableGauge("weir.slot.count", metric.WithUnit("{slot}"),
		metric.WithDescription("Slots by state: running, held for reservations, lent by tasks that wait for others, stuck, free. Lent ones are free or others' meanwhile."))
	errs[5] = err
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("orchestrator: metrics: %w", err)
	}
	m.registration, err = meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		var s core.State
		b.o.look(func(c *core.Core, now core.Time) { s = c.Look(now) })
		for _, n := range s.Lanes {
			for _, class := range [...]Class{Urgent, Normal, Background} {
				of := metric.WithAttributes(attrRoute.String(n.Route), attrClass.String(class.String()))
				to.ObserveInt64(pending, int64(n.Pending[class.rank()]), of)
				to.ObserveFloat64(oldest, n.Oldest[class.rank()].Seconds(), of)
			}
		}
		for state, n := range map[string]int{
			"running": s.Slots.Running, "held": s.Slots.Held, "lent": s.Slots.Lent, "stuck": s.Slots.Stuck, "free": s.Slots.Free,
		} {
			to.ObserveInt64(slots, int64(n), metric.WithAttributes(attrState.String(state)))
		}
		return nil
	}, pending, oldest, slots)
	if err != nil {
		return fmt.Errorf("orchestrator: metrics: %w", err)
	}
	return nil
}

// end ends the observation of a closed orchestrator.
func (m *meters) end() { _ = m.registration.Unregister() }

func (m *meters) labels(route string) *labelsOfRoute {
	if l, ok := m.routes.Load(route); ok {
		return l.(*labelsOfRoute) //nolint:forcetypeassert // nothing else is in it
	}
	l := &labelsOfRoute{route: metric.WithAttributeSet(attribute.NewSet(attrRoute.String(route)))}
	for k := range outcomes {
		l.outcomes[k] = metric.WithAttributeSet(attribute.NewSet(attrRoute.String(route), attrOutcome.String(k.String())))
	}
	m.routes.Store(route, l)
	return l
}

func (m *meters) waited(t *task, s core.Start, startedAt time.Duration) {
	if m.wait.Enabled(t.ctx) {
		m.wait.Record(t.ctx, (startedAt - s.Queued).Seconds(), m.labels(t.opts.route).route)
	}
}

func (m *meters) ran(r *run) {
	if m.run.Enabled(r.t.ctx) {
		m.run.Record(r.t.ctx, (r.t.opts.o.now() - r.startedAt).Seconds(), m.labels(r.t.opts.route).route)
	}
}

func (m *meters) count(t *task, k outcome) {
	if m.ends.Enabled(t.ctx) {
		m.ends.Add(t.ctx, 1, m.labels(t.opts.route).outcomes[k])
	}
}
