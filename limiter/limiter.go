package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limiter hands out leave to start calls, from buckets that a whole fleet shares (made by [New]) or that are this
// process' own (made by [NewMemory]). It is safe for concurrent use.
type Limiter struct {
	s     settings // fixed at construction
	store store
	clock *clock
	says  *telemetry
	lanes map[laneKey]*lane

	calls atomic.Int64 // to the store

	mu      sync.Mutex
	closed  bool
	flights sync.WaitGroup
}

// New returns a limiter whose buckets live in Redis, and introduces them there. The client is used, never closed; a
// client that resends commands is safe. Set its ReadTimeout and ContextTimeoutEnabled: a client that reads without end
// keeps a route waiting as long as Redis hangs. Errors of configuration name what is wrong; when Redis does not answer the
// error wraps [ErrUnavailable] and New may be tried again.
func New(ctx context.Context, rdb redis.UniversalClient, cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	says, err := newTelemetry(s.TracerProvider, s.MeterProvider)
	if err != nil {
		return nil, err
	}
	st := newRedisStore(ctx, rdb, s, says)
	if err := st.introduce(s.all.limits); err != nil { //nolint:contextcheck // the store has ctx already
		return nil, err
	}
	return newLimiter(s, st, says), nil
}

// NewMemory returns a limiter of the same meaning whose buckets are in this process' memory: for single processes and
// for tests. They are full at the beginning.
func NewMemory(cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	says, err := newTelemetry(s.TracerProvider, s.MeterProvider)
	if err != nil {
		return nil, err
	}
	return newLimiter(s, newMemory(s), says), nil
}

func newLimiter(s settings, st store, says *telemetry) *Limiter {
	l := &Limiter{s: s, store: st, clock: newClock(), says: says, lanes: map[laneKey]*lane{}}
	for name, r := range s.routes {
		l.lanes[laneKey{name, false}] = &lane{l: l, route: r, id: name}
		l.lanes[laneKey{name, true}] = &lane{l: l, route: r, id: name + "!", urgent: true}
	}
	return l
}

// laneKey tells the two lanes of a route apart.
type laneKey struct {
	route  string
	urgent bool
}

// Option says how one call is treated.
type Option func(*waiter)

// Urgent lets a call pass the lines of the fleet, within half the rate of each bucket; beyond that it is an ordinary
// one. It never passes what is reserved, which is at most a horizon ahead.
func Urgent() Option { return func(w *waiter) { w.urgent = true } }

// Allow reports whether a call of a route may start now, and takes a token of each of its buckets only then.
func (l *Limiter) Allow(ctx context.Context, route string, opts ...Option) (bool, error) {
	return l.AllowN(ctx, route, 1, opts...)
}

// AllowN is [Limiter.Allow] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) AllowN(ctx context.Context, route string, n int64, opts ...Option) (bool, error) {
	w := &waiter{cost: n, units: 1, atOnce: true}
	for {
		r, err := l.due(ctx, route, w, opts)
		if _, refused := errors.AsType[*DeadlineError](err); refused {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if r.Use(route) {
			return true, nil
		}
		l.tooLate(ctx, r)
		w = &waiter{cost: n, units: 1, atOnce: true}
	}
}

// Reserve returns leave to start one call of a route, when that is at most a horizon away: until then it waits. The
// caller then waits for the reservation's delay and uses it. If the deadline of ctx comes before the call could start
// it returns a [DeadlineError] and takes nothing.
func (l *Limiter) Reserve(ctx context.Context, route string, opts ...Option) (*Reservation, error) {
	return l.ReserveN(ctx, route, 1, opts...)
}

// ReserveN is [Limiter.Reserve] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) ReserveN(ctx context.Context, route string, n int64, opts ...Option) (*Reservation, error) {
	return l.due(ctx, route, &waiter{cost: n, units: 1, ahead: true}, opts)
}

// TryReserve asks once for leave to start up to n calls of a route, for schedulers that know how many they could start
// and do not want to wait while they hold room for them. It returns what is at most a horizon away, each with its own
// due time, earliest first; or none, and the time to come back at: the route keeps its place in line until then.
func (l *Limiter) TryReserve(ctx context.Context, route string, n int, opts ...Option) ([]*Reservation, time.Time, error) {
	if n < 1 {
		return nil, time.Time{}, fmt.Errorf("limiter: %d reservations: want 1 or more", n)
	}
	w := &waiter{cost: 1, units: min(n, maxAsks), ahead: true, once: true}
	_, err := l.due(ctx, route, w, opts)
	if errors.Is(err, errLater) {
		return nil, w.again, nil
	}
	return w.got, time.Time{}, err
}

// Wait sleeps until a call of a route may start. If the deadline of ctx comes first it returns a [DeadlineError] as
// soon as that is known and takes nothing; if ctx ends while it sleeps, its cause, and the token goes to another caller.
func (l *Limiter) Wait(ctx context.Context, route string, opts ...Option) error {
	return l.WaitN(ctx, route, 1, opts...)
}

// WaitN is [Limiter.Wait] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) WaitN(ctx context.Context, route string, n int64, opts ...Option) error {
	for {
		r, err := l.due(ctx, route, &waiter{cost: n, units: 1}, opts)
		if err != nil {
			return err
		}
		if r.Use(route) {
			return nil
		}
		l.tooLate(ctx, r)
	}
}

// tooLate notes a reservation that its caller was woken too late for: it is given up and asked for again.
func (l *Limiter) tooLate(ctx context.Context, r *Reservation) {
	if l.says.late.Enabled(ctx) {
		l.says.late.Add(ctx, 1, r.lane.route.labels.route)
	}
}

// Snapshot reads the state of all buckets without changing it.
func (l *Limiter) Snapshot(ctx context.Context) (Snapshot, error) { return l.store.snapshot(ctx) }

// Calls is how many calls to the store this limiter has made for reservations.
func (l *Limiter) Calls() int64 { return l.calls.Load() }

// Replica is the name of this process in the fleet.
func (l *Limiter) Replica() string { return l.s.Replica }

// Close ends the limiter: who waits, and what is asked for from then on, gets [ErrClosed]. It waits for the calls that are
// on their way, or for ctx. Closing again waits again.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for _, n := range l.lanes {
		n.mu.Lock()
		n.closeLocked()
		n.mu.Unlock()
	}
	landed := make(chan struct{})
	go func() { l.flights.Wait(); close(landed) }()
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("limiter: close: %w", context.Cause(ctx))
	}
}

// start runs f in a goroutine that Close waits for, unless the limiter is closed.
func (l *Limiter) start(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.flights.Go(f)
	return true
}

// due takes a caller through the lane of its route.
func (l *Limiter) due(ctx context.Context, route string, w *waiter, opts []Option) (*Reservation, error) {
	for _, opt := range opts {
		opt(w)
	}
	n, ok := l.lanes[laneKey{route, w.urgent}]
	if !ok {
		return nil, &RouteError{Route: route}
	}
	if w.cost < 1 {
		return nil, fmt.Errorf("limiter: route %s: a call of %d tokens: want 1 or more", route, w.cost)
	}
	if burst, bucket := n.route.burst(); w.cost > burst {
		return nil, &ExceedsBurstError{Route: route, Bucket: bucket, Cost: w.cost, Burst: burst}
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	w.deadline, _ = ctx.Deadline()
	w.arrived = time.Now()
	if w.once { // a scheduler that comes back does not wait here
		if err := n.join(ctx, w); err != nil {
			return nil, err
		}
		l.says.served(ctx, n, w)
		return w.got[0], nil
	}
	ctx, span := l.says.asks(ctx, n)
	err := n.join(ctx, w)
	l.says.got(ctx, n, w, span, err)
	if err != nil {
		return nil, err
	}
	return w.got[0], nil
}
