package limiter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// redisStore is the store of a fleet: one script call per reserve.
type redisStore struct {
	rdb     redis.UniversalClient
	keys    lua.Keys
	replica string
	session string // of this store; a process that restarts under its replica's name is another
	horizon int64  // µs
	timeout time.Duration
	says    *telemetry
	wish    []lua.Limit
	life    context.Context //nolint:containedctx // of whoever made the limiter: calls are shared by callers and bound by none

	calls atomic.Int64

	mu      sync.Mutex
	epoch   string // last seen
	grants  int64  // highest count seen in it
	version int64  // of the configuration last seen
	told    string // as of that version
	now     int64  // µs, Redis' clock as a script saw it last
}

func newRedisStore(ctx context.Context, rdb redis.UniversalClient, s settings, says *telemetry) *redisStore {
	st := &redisStore{
		rdb: rdb, keys: lua.Keys(s.Namespace), replica: s.Replica, session: uuid.NewString(), horizon: s.Horizon.Microseconds(),
		timeout: s.CallTimeout, life: context.WithoutCancel(ctx), says: says,
	}
	for _, b := range s.wish {
		st.wish = append(st.wish, b.args())
	}
	return st
}

func (s *redisStore) shared() bool { return true }

// checkClock refuses servers whose scripts see no clock that moves: some that speak Redis' protocol answer TIME within a
// script with zeros, or with the time at which they began.
func (s *redisStore) checkClock(ctx context.Context) error {
	const nearly = time.Minute // nodes of a cluster have clocks of their own
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.mu.Lock()
	inScript := s.now
	s.mu.Unlock()
	if at := time.UnixMicro(inScript); at.Year() < 1990 || now.Sub(at).Abs() > nearly {
		return fmt.Errorf("limiter: scripts on this server see no clock: TIME is %v there and %v outside; use Redis or Valkey", at.UTC(), now.UTC())
	}
	return nil
}

func (s *redisStore) configure(ctx context.Context, changes []change, leaving bool) (configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	args := lua.ConfigureArgs{
		Fresh: uuid.NewString(), HorizonUS: s.horizon, Replica: s.replica, Session: s.session, Leaving: leaving, Wish: s.wish,
	}
	for _, c := range changes {
		if c.opens != nil {
			args.Change = append(args.Change, lua.TellOpens(c.bucket, *c.opens)...)
			continue
		}
		var limits []lua.Limit
		for _, b := range c.limits {
			limits = append(limits, b.args())
		}
		args.Change = append(args.Change, lua.TellLimits(c.bucket, limits)...)
	}
	s.mu.Lock()
	args.Epoch, args.Grants, args.Version, args.Told = s.epoch, s.grants, s.version, s.told
	s.mu.Unlock()
	got, err := lua.Configure(ctx, s.rdb, s.keys, args)
	if err != nil {
		return configuration{}, failure(err)
	}
	s.mu.Lock()
	if got.Epoch != s.epoch {
		s.grants = 0
	}
	s.epoch, s.grants, s.version, s.told = got.Epoch, max(s.grants, got.Grants), got.Version, got.Told
	s.now = got.TimeUS
	s.mu.Unlock()
	return s.configuration(got), nil
}

func (s *redisStore) configuration(got lua.ConfigureReply) configuration {
	c := configuration{version: got.Version, live: got.Live, disputed: got.Disputed, opens: map[string]int64{}, set: map[string]bool{}}
	var force []bound
	for _, l := range got.Force {
		force = append(force, boundOf(l))
	}
	c.limits = byBucket(force)
	for _, o := range got.Opens {
		c.opens[o.Bucket] = o.US
	}
	for _, bucket := range got.Set {
		c.set[bucket] = true
	}
	return c
}

// failure is an error of a call to Redis in the limiter's words.
func failure(err error) error {
	if _, ours := errors.AsType[*lua.ArgumentError](err); ours || errors.Is(err, lua.ErrStale) {
		return fmt.Errorf("limiter: %w", err) // asking again would not help
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// redisLine is the way of one lane to Redis.
type redisLine struct {
	*redisStore

	id    string
	route *route // that path is of
	path  *lua.Path
	args  lua.AcquireArgs
	reply lua.AcquireReply
}

func (s *redisStore) line(id string) line { return &redisLine{redisStore: s, id: id} }

func (x *redisLine) reserve(r *route, c *call) error {
	if r != x.route {
		limits := make([]lua.Limit, len(r.limits))
		for i, b := range r.limits {
			limits[i] = b.args()
		}
		x.route, x.path = r, lua.NewPath(x.keys, x.session, x.id, limits)
	}
	a := &x.args
	a.Seq = x.calls.Add(1) // of one counter for all lanes: a route that is made again begins after its former calls
	a.HorizonUS, a.LeadUS = x.horizon, c.lead
	a.Tickets, a.Backs, a.Asks = a.Tickets[:0], a.Backs[:0], a.Asks[:0]
	for _, t := range c.tickets {
		a.Tickets = append(a.Tickets, lua.Ticket{Rank: int64(t.rank), Tokens: t.tokens})
	}
	for _, b := range c.backs {
		a.Backs = append(a.Backs, lua.Back{DueUS: b.due, Cost: b.cost})
	}
	for _, k := range c.asks {
		a.Asks = append(a.Asks, lua.Ask{Count: k.n, Cost: k.cost, PatienceUS: max(-1, k.patience), Urgent: k.urgent})
	}
	x.mu.Lock()
	a.Epoch, a.Grants, a.Version = x.epoch, x.grants, r.version
	x.mu.Unlock()

	ctx, cancel := context.WithTimeout(x.life, x.timeout)
	defer cancel()
	sent := time.Now()
	err := x.path.Acquire(ctx, x.rdb, a, &x.reply)
	x.says.called(ctx, r, time.Since(sent))
	if errors.Is(err, lua.ErrUnknown) {
		return errOutdated
	}
	if err != nil {
		return failure(err)
	}
	got := &x.reply
	x.mu.Lock()
	switch {
	case got.Epoch != x.epoch && !got.Repeated:
		x.epoch, x.grants = got.Epoch, got.Grants
	case got.Epoch == x.epoch:
		x.grants = max(x.grants, got.Grants)
	}
	x.mu.Unlock()

	c.now, c.comeBack = got.NowUS, got.ComeBackUS
	c.next, c.answers = c.next[:0], c.answers[:0]
	for _, t := range got.Tickets {
		c.next = append(c.next, ticket{rank(t.Rank), t.Tokens})
	}
	for _, g := range got.Answers {
		v := waits
		switch g.Kind {
		case lua.Reserved:
			v = reserved
		case lua.Refused:
			v = refused
		case lua.Waiting:
		}
		c.answers = append(c.answers, planned{n: g.Count, verdict: v, at: g.AtUS, bound: g.Bound})
	}
	return nil
}

func (s *redisStore) snapshot(ctx context.Context) (Snapshot, error) {
	return ReadSnapshot(ctx, s.rdb, string(s.keys))
}
