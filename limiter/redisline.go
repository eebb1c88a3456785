package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// redisLine is the store of one lane in Redis.
type redisLine struct {
	*redisStore

	id     string
	local  *memoryLine // the shares for a time without Redis; nil before
	route  *lane.Route // the route of path
	broken bool        // the last call failed although it was resent
	path   *lua.Path
	args   lua.AcquireArgs
	reply  lua.AcquireReply
}

func (s *redisStore) line(id string) lane.Store { return &redisLine{redisStore: s, id: id} }

// lessons are the lessons of calls, in the words of the scripts.
var lessons = map[bucket.Lesson]lua.Lesson{ //nolint:gochecknoglobals // a constant
	bucket.QuotaSpent: lua.QuotaSpent, bucket.Overload: lua.Overload, bucket.QuotaLeft: lua.QuotaLeft,
}

// Reserve runs the script of an acquire.
func (x *redisLine) Reserve(r *lane.Route, q *lane.Request) error {
	if r.Version == 0 && r.Away == 0 {
		q.Runs = 0
		return lane.ErrOutdated // Redis has not been asked for the configuration yet
	}
	p := passedOf(r)
	q.Runs = 0
	switch {
	case p.mode == Away:
		return p.away.unavailable()
	case p.local != nil:
		if x.local == nil || x.local.memory != p.local {
			x.local = &memoryLine{memory: p.local, id: x.id}
		}
		err := x.local.Reserve(r, q)
		q.Runs = 0
		return err
	}
	if r != x.route {
		limits := make([]lua.Limit, len(p.limits))
		for i, b := range p.limits {
			limits[i] = b.args()
		}
		former := x.path
		x.route, x.path = r, lua.NewPath(x.keys, x.session, x.id, limits)
		if former != nil {
			x.path.Follow(former)
		}
	}
	if err := x.pay(r, q); err != nil {
		return err
	}
	a := &x.args
	a.Seq = x.calls.Add(1) // one counter for all lanes: a route that is made again begins after its former calls
	a.HorizonUS, a.LeadUS, a.Left = x.horizon, q.Lead, q.Tell
	a.Backs, a.Asks = a.Backs[:0], a.Asks[:0]
	for _, b := range q.Backs {
		a.Backs = append(a.Backs, lua.Back{DueUS: b.Due, Costs: b.Cost.On(r)})
	}
	a.Settled = a.Settled[:0]
	for _, s := range q.Settled {
		a.Settled = append(a.Settled, lua.Settled(s))
	}
	a.Taught, a.Levels = a.Taught[:0], q.Stands
	for _, t := range q.Taught {
		a.Taught = append(a.Taught, lua.Taught{
			Lesson: lessons[t.Lesson], Limit: t.Limit, DueUS: max(0, t.Due), Cost: t.Cost, Quota: t.Quota, Left: t.Left, PeriodUS: t.Period, Stand: t.Level, SentUS: max(0, t.Sent),
		})
	}
	a.HoldUS, a.HoldLimit = q.Hold.For, q.Hold.Limit
	for _, k := range q.Asks {
		a.Asks = append(a.Asks, lua.Ask{Count: k.N, Costs: k.Cost, PatienceUS: max(-1, k.Patience), AgeUS: k.Age, Urgent: k.Urgent})
	}
	if err := x.acquire(r, q); err != nil {
		return err
	}
	x.served.Store(true)
	got := &x.reply
	x.mu.Lock()
	if a.Epoch == x.epoch {
		x.grants = max(x.grants, got.Grants)
		for i, level := range got.Levels {
			x.recalls.note(p.limits[i].args(), a.Epoch, got.Grants, level, time.Now(), time.Duration(x.horizon)*time.Microsecond)
		}
	}
	x.mu.Unlock()

	q.Now, q.ComeBack = got.NowUS, got.ComeBackUS
	q.Answers, q.Left, q.Stand = q.Answers[:0], append(q.Left[:0], got.Left...), q.Stand[:0]
	for i, level := range got.Levels {
		switch {
		case level < 0:
			level = lane.UnknownStand
		case !p.limits[i].limit.Window:
			level += got.NowUS
		}
		q.Stand = append(q.Stand, level)
	}
	for _, g := range got.Answers {
		if g.Bound >= len(p.limits) {
			return fmt.Errorf("%w: a reply names limit %d of %d", ErrUnavailable, g.Bound, len(p.limits))
		}
		q.Answers = append(q.Answers, bucket.Answer{
			N: g.Count, Verdict: bucket.Verdict(g.Kind), At: bucket.Moment{At: g.AtUS, Frac: g.Units}, Bound: g.Bound, Price: g.Price,
		})
	}
	return nil
}

// acquire sends the request of a lane.
func (x *redisLine) acquire(r *lane.Route, q *lane.Request) error {
	a := &x.args
	x.mu.Lock()
	a.Epoch, a.Grants, a.Version = x.epoch, x.grants, r.Version
	x.mu.Unlock()
	ctx, cancel := context.WithTimeout(x.life, x.timeout)
	defer cancel()
	under := x.send()
	rdb := x.client()
	err := x.path.Acquire(ctx, rdb, a, &x.reply)
	for next := resend(0); !x.broken && next.again(ctx, err); {
		q.Runs += x.reply.Runs
		err = x.path.Acquire(ctx, rdb, a, &x.reply)
	}
	x.broken = broke(err)
	x.noteResult(under, err)
	x.telemetry.called(ctx, r, time.Since(under.at))
	q.Runs += x.reply.Runs
	if stale, ok := errors.AsType[*lua.StaleError](err); ok { // a damaged record: a call of this line is answered before the next is sent
		for last := x.calls.Load(); last <= stale.Answered && !x.calls.CompareAndSwap(last, stale.Answered); {
			last = x.calls.Load()
		}
		a.Seq = x.calls.Add(1)
		err = x.path.Acquire(ctx, rdb, a, &x.reply)
		q.Runs += x.reply.Runs
	}
	if errors.Is(err, lua.ErrUnknown) {
		return lane.ErrOutdated
	}
	if err != nil {
		return x.failure(ctx, err, x.served.Load())
	}
	return nil
}

// pay empties the buckets of a route that were used without Redis and that Redis does not know of.
func (x *redisLine) pay(r *lane.Route, q *lane.Request) error {
	if !x.owing.some.Load() {
		return nil
	}
	for i, b := range passedOf(r).limits {
		shut, owes := x.owing.shutFor(b.bucket, time.Now())
		if !owes || !b.own {
			continue
		}
		x.args = lua.AcquireArgs{Seq: x.calls.Add(1), HorizonUS: x.horizon, HoldUS: min(shut, lane.LongestHold).Microseconds(), HoldLimit: i}
		if err := x.acquire(r, q); err != nil {
			return err
		}
		x.owing.paid(b.bucket)
	}
	return nil
}
