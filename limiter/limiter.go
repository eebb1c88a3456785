package limiter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	life  context.Context //nolint:containedctx // from New to Close
	end   context.CancelFunc

	waiters    waiters
	naps       naps
	idle       time.Duration  // how long nobody uses a lane before it is given up; fixed
	calls      atomic.Int64   // to the store
	liveBefore atomic.Int64   // replicas that were live before Redis forgot
	swept      atomic.Int64   // ns on the clock's local scale, when a caller last had idle lanes looked for
	flights    sync.WaitGroup // calls under way, what keeps presence, and what looks for idle lanes

	configuring chan struct{} // holds a word while the configuration is asked for and applied

	mu     sync.RWMutex
	closed bool
	conf   configuration       // in force
	paths  map[string][]string // buckets of each route, those made at run time too
	own    map[string]ownBucket
	lanes  map[laneKey]*lane // those that somebody has used lately
	ended  []*lane           // of routes that were forgotten, until the store forgets them
	built  int64             // routes so far
}

// New returns a limiter whose buckets live in Redis, and introduces them there; a limit that is new begins as its
// [Limit.Begin] says. The client is used, never closed; a client that resends commands is safe. Set its ReadTimeout and ContextTimeoutEnabled: a
// client that reads without end keeps a route waiting as long as Redis hangs. Errors of configuration name what is wrong;
// when Redis does not answer the error wraps [ErrUnavailable] and New may be tried again. The limiter lives until
// [Limiter.Close], not until ctx ends.
func New(ctx context.Context, rdb redis.UniversalClient, cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	var st *redisStore
	l, err := newLimiter(s, func(says *telemetry) store {
		st = newRedisStore(rdb, s, says)
		return st
	})
	if err != nil {
		return nil, err
	}
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	if err := st.checkClock(ctx); err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	l.flights.Go(l.keepPresence)
	return l, nil
}

// NewMemory returns a limiter of the same meaning whose buckets are in this process' memory: for single processes and
// for tests. A limit begins as its [Limit.Begin] says, at this moment; one of a bucket of [Limiter.Route] with its first call.
func NewMemory(cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	l, err := newLimiter(s, func(*telemetry) store { return newMemory(s) })
	if err != nil {
		return nil, err
	}
	return l, l.begin(l.life)
}

func newLimiter(s settings, open func(*telemetry) store) (*Limiter, error) {
	says, err := newTelemetry(s.TracerProvider, s.MeterProvider)
	if err != nil {
		return nil, err
	}
	l := &Limiter{
		s: s, store: open(says), clock: newClock(), says: says, configuring: make(chan struct{}, 1),
		paths: map[string][]string{}, own: map[string]ownBucket{}, lanes: map[laneKey]*lane{}, idle: idleAfter,
	}
	// Not derived from any caller's context: a limiter outlives whoever made it and ends with Close.
	l.life, l.end = context.WithCancel(context.Background())
	return l, nil
}

// begin asks for what is in force and makes the routes known.
func (l *Limiter) begin(ctx context.Context) error {
	if err := l.configure(ctx); err != nil {
		l.end()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.paths, l.s.paths)
	return nil
}

// Option says how one call is treated.
type Option func(*options)

type options struct{ urgent bool }

// Urgent lets a call pass the lines of the fleet, within half the rate of each bucket; beyond that it is an ordinary
// one. It never passes what is reserved, which is at most a horizon ahead.
func Urgent() Option { return func(o *options) { o.urgent = true } }

// Allow reports whether a call of a route may start now, and takes a token of each of its buckets only then.
func (l *Limiter) Allow(ctx context.Context, route string, opts ...Option) (bool, error) {
	return l.AllowN(ctx, route, 1, opts...)
}

// AllowN is [Limiter.Allow] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) AllowN(ctx context.Context, route string, n int64, opts ...Option) (bool, error) {
	for {
		g, _, err := l.due(ctx, route, want{cost: n, units: 1, atOnce: true}, opts)
		if _, late := errors.AsType[*DeadlineError](err); late || err == errRefused { //nolint:errorlint // never wrapped
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if g.usable(l.s.Slack) {
			return true, nil
		}
		l.says.tooLate(ctx, g)
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
	g, _, err := l.due(ctx, route, want{cost: n, units: 1, ahead: true}, opts)
	if err != nil {
		return nil, err
	}
	return newReservation(g), nil
}

// TryReserve asks once for leave to start up to n calls of a route, for schedulers that know how many they could start
// and do not want to wait while they hold room for them. It returns what is at most a horizon away, each with its own
// due time, earliest first; or none, and the time to come back at: the route keeps its place in line until then.
func (l *Limiter) TryReserve(ctx context.Context, route string, n int, opts ...Option) ([]*Reservation, time.Time, error) {
	if n < 1 {
		return nil, time.Time{}, fmt.Errorf("limiter: %d reservations: want 1 or more", n)
	}
	_, all, err := l.due(ctx, route, want{cost: 1, units: min(n, maxAsks), ahead: true, once: true}, opts)
	if later, ok := err.(*laterError); ok { //nolint:errorlint // never wrapped
		return nil, later.again, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	out, sorted := make([]*Reservation, len(all)), true
	for i := range all {
		out[i] = &all[i]
		sorted = sorted && (i == 0 || !all[i].due.Before(all[i-1].due))
	}
	if !sorted {
		slices.SortStableFunc(out, func(a, b *Reservation) int { return a.due.Compare(b.due) })
	}
	return out, time.Time{}, nil
}

// Wait sleeps until a call of a route may start. If the deadline of ctx comes first it returns a [DeadlineError] as
// soon as that is known and takes nothing; if ctx ends while it sleeps, its cause, and the token goes to another caller.
func (l *Limiter) Wait(ctx context.Context, route string, opts ...Option) error {
	return l.WaitN(ctx, route, 1, opts...)
}

// WaitN is [Limiter.Wait] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) WaitN(ctx context.Context, route string, n int64, opts ...Option) error {
	for {
		g, _, err := l.due(ctx, route, want{cost: n, units: 1}, opts)
		if err != nil {
			return err
		}
		if g.usable(l.s.Slack) {
			return nil
		}
		l.says.tooLate(ctx, g)
	}
}

// Snapshot reads the state of all buckets without changing it.
func (l *Limiter) Snapshot(ctx context.Context) (Snapshot, error) { return l.store.snapshot(ctx) }

// Calls is how many calls to the store this limiter has made for reservations.
func (l *Limiter) Calls() int64 { return l.calls.Load() }

// Replica is the name of this process in the fleet.
func (l *Limiter) Replica() string { return l.s.Replica }

// Replicas is how many replicas of the fleet were live when this one last asked, some seconds ago: those that have said
// so in the last half minute and have not ended. It counts this one.
func (l *Limiter) Replicas() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.conf.live
}

// chosen applies the options of a call, apart from it, so that the many calls without options keep theirs off the heap.
func chosen(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// due takes a caller through the lane of its route.
func (l *Limiter) due(ctx context.Context, route string, w want, opts []Option) (grant, []Reservation, error) {
	var o options
	if len(opts) > 0 {
		o = chosen(opts)
	}
	n, err := l.lane(route, o.urgent)
	if err != nil {
		return grant{}, nil, err
	}
	if w.cost < 1 {
		return grant{}, nil, fmt.Errorf("limiter: route %s: a call of %d tokens: want 1 or more", route, w.cost)
	}
	if burst, bucket := n.burst(); w.cost > burst {
		return grant{}, nil, &ExceedsBurstError{Route: route, Bucket: bucket, Cost: w.cost, Burst: burst}
	}
	if l.s.Shadow {
		return l.pretend(n, w)
	}
	w.deadline, _ = ctx.Deadline()
	if !w.atOnce || l.says.queue.Enabled(ctx) {
		w.arrived = time.Now()
	}
	if w.once { // a scheduler that comes back does not wait here
		g, all, err := n.join(ctx, w)
		if err == errGivenUp { //nolint:errorlint // never wrapped
			g, all, err = l.joinNext(ctx, n, w)
		}
		l.says.served(ctx, n, len(all), err)
		return g, all, err
	}
	ctx, span := l.says.asks(ctx, n)
	g, all, err := n.join(ctx, w)
	if err == errGivenUp { //nolint:errorlint // never wrapped
		g, all, err = l.joinNext(ctx, n, w)
	}
	l.says.got(ctx, n, w.arrived, g, span, err)
	return g, all, err
}
