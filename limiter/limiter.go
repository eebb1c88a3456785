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
	lanes map[string]*lane

	calls atomic.Int64 // to the store

	mu      sync.Mutex
	closed  bool
	flights sync.WaitGroup
}

// New returns a limiter whose buckets live in Redis, and introduces them there. The client is used, never closed; a
// client that resends commands is safe. Errors of configuration name what is wrong; when Redis does not answer the
// error wraps [ErrUnavailable] and New may be tried again.
func New(ctx context.Context, rdb redis.UniversalClient, cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	l := newLimiter(s, newRedisStore(rdb, s))
	if _, _, err := l.store.reserve(ctx, s.all, 0, nil); err != nil {
		return nil, err
	}
	return l, nil
}

// NewMemory returns a limiter of the same meaning whose buckets are in this process' memory: for single processes and
// for tests. They are full at the beginning.
func NewMemory(cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	return newLimiter(s, newMemory(s)), nil
}

func newLimiter(s settings, st store) *Limiter {
	l := &Limiter{s: s, store: st, clock: newClock(), lanes: map[string]*lane{}}
	for name, r := range s.routes {
		l.lanes[name] = &lane{l: l, route: r}
	}
	return l
}

// Allow reports whether a call of a route may start now, and takes a token of each of its buckets only then.
func (l *Limiter) Allow(ctx context.Context, route string) (bool, error) {
	return l.AllowN(ctx, route, 1)
}

// AllowN is [Limiter.Allow] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) AllowN(ctx context.Context, route string, n int64) (bool, error) {
	for {
		rs, err := l.reserve(ctx, route, 1, ask{cost: n}, time.Time{})
		if _, refused := errors.AsType[*DeadlineError](err); refused {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// Now is when the reply was expected on a slow network: less than a round trip from here.
		if err := sleep(ctx, rs[0].Delay()); err != nil {
			rs[0].Cancel()
			return false, err
		}
		if rs[0].Use(route) {
			return true, nil
		}
	}
}

// Reserve returns leave to start one call of a route. If ctx has a deadline before the call could start, it returns a
// [DeadlineError] and takes nothing; otherwise the caller waits for the reservation's delay and then uses it.
func (l *Limiter) Reserve(ctx context.Context, route string) (*Reservation, error) {
	return l.ReserveN(ctx, route, 1)
}

// ReserveN is [Limiter.Reserve] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) ReserveN(ctx context.Context, route string, n int64) (*Reservation, error) {
	deadline, _ := ctx.Deadline()
	rs, err := l.reserve(ctx, route, 1, ask{cost: n, patience: -1}, deadline)
	if err != nil {
		return nil, err
	}
	return rs[0], nil
}

// ReserveUpTo returns leave to start up to n calls of a route, at least one, each with its own due time, earliest
// first: for schedulers that know how many calls they could start. One call to Redis serves all.
func (l *Limiter) ReserveUpTo(ctx context.Context, route string, n int) ([]*Reservation, error) {
	if n < 1 {
		return nil, fmt.Errorf("limiter: %d reservations: want 1 or more", n)
	}
	deadline, _ := ctx.Deadline()
	return l.reserve(ctx, route, min(n, maxAsks), ask{cost: 1, patience: -1}, deadline)
}

// Wait sleeps until a call of a route may start. If the deadline of ctx comes first it returns a [DeadlineError] at
// once and takes nothing; if ctx ends while it sleeps, its cause, and the reservation goes to another caller.
func (l *Limiter) Wait(ctx context.Context, route string) error { return l.WaitN(ctx, route, 1) }

// WaitN is [Limiter.Wait] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) WaitN(ctx context.Context, route string, n int64) error {
	for {
		r, err := l.ReserveN(ctx, route, n)
		if err != nil {
			return err
		}
		if err := sleep(ctx, r.Delay()); err != nil {
			r.Cancel()
			return err
		}
		if r.Use(route) {
			return nil
		}
		// Woken too late to keep the limit with it: ask again.
	}
}

// Snapshot reads the state of all buckets without changing it.
func (l *Limiter) Snapshot(ctx context.Context) (Snapshot, error) { return l.store.snapshot(ctx) }

// Calls is how many calls to the store this limiter has made for reservations.
func (l *Limiter) Calls() int64 { return l.calls.Load() }

// Replica is the name of this process in the fleet.
func (l *Limiter) Replica() string { return l.s.Replica }

// Close ends the limiter: what is asked for from then on returns [ErrClosed]. It waits for the calls that are on their
// way, or for ctx. Closing again waits again.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
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

func (l *Limiter) reserve(ctx context.Context, name string, units int, k ask, deadline time.Time) ([]*Reservation, error) {
	n, ok := l.lanes[name]
	if !ok {
		return nil, &RouteError{Route: name}
	}
	if k.cost < 1 {
		return nil, fmt.Errorf("limiter: route %s: a call of %d tokens: want 1 or more", name, k.cost)
	}
	if burst, bucket := n.route.burst(); k.cost > burst {
		return nil, &ExceedsBurstError{Route: name, Bucket: bucket, Cost: k.cost, Burst: burst}
	}
	if !deadline.IsZero() {
		k.patience = time.Until(deadline)
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	c := &call{ask: k, units: units, deadline: deadline}
	if err := n.do(ctx, c); err != nil {
		return nil, err
	}
	if len(c.got) == 0 {
		return nil, &DeadlineError{Route: name, Ready: c.earliest}
	}
	return c.got, nil
}

// sleep returns after d, or earlier with the cause of ctx' end.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
