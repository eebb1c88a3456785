package limiter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Limiter grants permission to start calls. Its buckets are shared by a whole fleet (see [New]) or belong to this
// process (see [NewMemory]). It is safe for concurrent use.
type Limiter struct {
	s         settings // fixed at construction
	store     store
	telemetry *telemetry
	life      context.Context //nolint:containedctx // from New to Close
	end       context.CancelFunc

	shared     *lane.Shared
	created    time.Time     // fixed
	idle       time.Duration // how long a lane may be unused before it is removed; fixed
	liveBefore atomic.Int64  // replicas that were live before Redis forgot
	swept      atomic.Int64  // ns on the clock's local scale, when a caller last started a search for idle lanes
	tallies    *tallies      // fixed
	notices    often         // when each kind of line was last logged
	estimates  *estimates    // fixed; nil where all costs are known beforehand
	observing  metric.Registration
	shadows    atomic.Bool    // every call may start at once
	judging    atomic.Int64   // calls that were let through and are being judged
	outage     *outage        // nil in memory
	redis      *redisStore    // the store, if it is Redis; otherwise nil
	flights    sync.WaitGroup // the goroutines for presence, for idle lanes and for judging

	configuring chan struct{} // holds a value while the configuration is requested and applied

	publisher  publisher // fixed; nil if nothing is published
	publishing sync.WaitGroup
	drain      chan struct{} // closed by ordered, when an operator orders it
	ordered    func()
	sections   sections

	mu     sync.RWMutex
	opened bool // New has returned the limiter, or is about to
	closed bool
	conf   configuration       // in force
	paths  map[string][]string // buckets of each route, those made at run time too
	own    map[string]ownBucket
	lanes  map[laneKey]*lane.Lane // the lanes that were used lately

	alone     *alone        // a time without Redis; nil while it answers
	outages   int64         // number of outages so far
	announced bool          // the other replicas have had the time to learn of this one
	awayFor   time.Duration // duration of all past outages
	returned  time.Time     // when the last outage ended
	ended     []*lane.Lane  // of removed routes, until the store forgets them
	built     int64         // routes built so far
}

// New returns a limiter whose buckets are in Redis. It adds the limits that are missing there; a new limit begins as
// its [Limit.Begin] says. The client is used, never closed; a client that resends commands is safe. Set its ReadTimeout
// and ContextTimeoutEnabled: a client that reads without end makes a route wait as long as Redis hangs. Errors of
// configuration name what is wrong. If Redis does not answer, the error wraps [ErrUnavailable], and New may be called
// again. With Lazy or Shadow in [Config], New succeeds without Redis, and the first calls ask. The limiter runs until
// [Limiter.Close], not until ctx ends.
func New(ctx context.Context, rdb redis.UniversalClient, cfg Config) (*Limiter, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	l, err := newLimiter(s, func(t *telemetry) store { return newRedisStore(rdb, s, t) })
	if err != nil {
		return nil, err
	}
	l.redis, _ = l.store.(*redisStore)
	l.outage = newOutage(l.goAlone)
	l.redis.outage = l.outage
	l.telemetry.mode(ctx, Connected)
	switch err := l.begin(ctx); {
	case err == nil:
		l.open()
	case (s.Lazy || s.Shadow) && errors.Is(err, ErrUnavailable):
		l.s.Logger.WarnContext(ctx, "redis does not answer yet: calls ask again", "namespace", s.Namespace, "error", err)
		l.addUnconfirmed(configuration{limits: byBucket(s.wanted)}) // of version 0: the first call asks what is in force
		l.open()
	default:
		l.abandon()
		return nil, err
	}
	l.flights.Go(func() { l.advise(l.life, rdb) })
	l.flights.Go(l.keepPresence)
	if l.publisher != nil {
		l.publishing.Go(l.keepPublishing)
	}
	return l, nil
}

// NewMemory returns a limiter whose buckets are in the memory of this process, for single processes and for tests. It
// behaves as a limiter of [New]. A limit begins now, as its [Limit.Begin] says; a limit of a bucket of
// [Limiter.AddRoute] begins with its first call.
//
// In a bubble of testing/synctest the limiter runs on the clock of the bubble, and may be left open when the test ends.
// Callers that wait together start up to a microsecond before or after the even step: allow for a microsecond, for example
// with limitertest.Law.
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

// open notes that New returns the limiter. Before, an outage is only the error of New: a caller that tries New again
// and again must not get a log line for each attempt.
func (l *Limiter) open() {
	l.mu.Lock()
	l.opened = true
	l.mu.Unlock()
	l.outage.look(l.goAlone) // the alarm may have gone off before
}

// abandon ends a limiter that New does not return.
func (l *Limiter) abandon() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	if l.outage != nil {
		l.outage.alarm.Stop()
	}
	l.end()
	_ = l.observing.Unregister()
}

func newLimiter(s settings, open func(*telemetry) store) (*Limiter, error) {
	t, err := newTelemetry(s.TracerProvider, s.MeterProvider)
	if err != nil {
		return nil, err
	}
	l := &Limiter{
		s: s, store: open(t), telemetry: t, created: time.Now(), configuring: make(chan struct{}, 1),
		paths: map[string][]string{}, own: map[string]ownBucket{}, lanes: map[laneKey]*lane.Lane{}, idle: idleAfter, tallies: newTallies(s), estimates: newEstimates(s.Metered),
	}
	l.drain = make(chan struct{})
	l.ordered = sync.OnceFunc(func() { close(l.drain) })
	if s.Publish > 0 {
		l.publisher, _ = l.store.(publisher)
	}
	// The context is not derived from a caller's: a limiter outlives its maker and ends with Close.
	l.life, l.end = context.WithCancel(context.Background())
	l.shared = &lane.Shared{
		Slack: s.Slack, Horizon: s.Horizon, Timeout: s.CallTimeout, Local: !l.store.shared(), Clock: lane.NewClock(),
		Refresh:     func(version int64) error { return l.refresh(l.life, version) },
		Passing:     func(err error) bool { return errors.Is(err, ErrUnavailable) && !isRefusal(err) }, // waiting callers get the error of a refusal
		Unavailable: func(cause error) error { return fmt.Errorf("%w: %w", ErrUnavailable, cause) },
		Reopen:      l.reopen,
		Line:        func(id string) lane.Store { return l.store.line(id) },
		Used:        l.sweepOnUse,
	}
	if err := l.observe(); err != nil {
		return nil, fmt.Errorf("limiter: metrics: %w", err)
	}
	return l, nil
}

// begin asks for what is in force and adds the routes.
func (l *Limiter) begin(ctx context.Context) error {
	if err := l.configure(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.paths, l.s.paths)
	return nil
}

// addUnconfirmed adds the routes, with limits that Redis has not confirmed.
func (l *Limiter) addUnconfirmed(conf configuration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conf = conf
	l.shadows.Store(l.s.Shadow)
	maps.Copy(l.paths, l.s.paths)
}

// Snapshot reads the state of all buckets without changing it.
func (l *Limiter) Snapshot(ctx context.Context) (Snapshot, error) { return l.store.snapshot(ctx) }

// StoreCalls returns how many calls to the store this limiter has made for reservations.
func (l *Limiter) StoreCalls() int64 { return l.shared.Requests.Load() }

// Replica returns the name of this process in the fleet.
func (l *Limiter) Replica() string { return l.s.Replica }

// Replicas returns how many replicas of the fleet were live when this one last asked, some seconds ago: those that have
// announced themselves in the last half minute and have not ended. The number includes this replica.
func (l *Limiter) Replicas() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.conf.live
}
