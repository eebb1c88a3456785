package limiter

import (
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// slowAfter is how long a limit with a share may take from empty to full. For slower limits, what is spent without
// Redis could not be told apart from what the fleet has left.
const slowAfter = 12 * time.Second

// share returns the part of a limit that one of some live replicas continues with. There is no share of a slow limit,
// of a window of fewer starts than replicas, and of a window that was made at run time, which nobody could shut
// afterwards.
func (b bound) share(live int) (bound, bool) {
	n := int64(max(1, live))
	l := &b.limit
	l.Begin = Empty
	if l.Window {
		if b.own || l.Per > slowAfter || l.Tokens < n {
			return b, false
		}
		l.Tokens /= n
		l.Burst = l.Tokens
		return b, true
	}
	if float64(l.Burst) > l.Rate()*slowAfter.Seconds() {
		return b, false
	}
	l.Burst = max(1, l.Burst/n)
	l.Per *= time.Duration(n)
	_, err := l.normal()
	return b, err == nil
}

// guide prepares a route for the time without Redis.
func (a *alone) guide(r *lane.Route, p *passed) {
	p.away = a
	switch {
	case a.mode == Open:
		for _, l := range r.Limits {
			r.Beside = append(r.Beside, l.Bucket)
		}
		r.Limits, p.limits, p.of = nil, nil, nil
	case a.local == nil || !a.share(r, p): // nothing starts
		p.mode, r.Away = Away, a.nth
		return
	case a.mode == Local:
		p.local = a.local
	}
	p.mode, r.Away = a.mode, a.nth
}

// share replaces the limits of a route by shares, if each limit has one.
func (a *alone) share(r *lane.Route, p *passed) bool {
	limits, bounds := make([]lane.Limit, len(r.Limits)), make([]bound, len(p.limits))
	for i, b := range p.limits {
		part, ok := b.share(a.live)
		if !ok || a.answers && b.limit.Window {
			return false
		}
		limit := part.lane()
		limit.Per, limit.Tally, limit.Meter, limit.Holds, limit.Whole = b.limit.Per, r.Limits[i].Tally, r.Limits[i].Meter, r.Limits[i].Holds, b.limit.Burst
		limits[i], bounds[i] = limit, part
	}
	r.Limits, p.limits = limits, bounds
	return true
}

// newShares returns the memory of shares, which are empty at a time of the fleet's clock. zero and now are the same
// moment on both clocks.
func newShares(zero time.Time, now, empty int64, horizon time.Duration, conf configuration) *memory {
	return &memory{
		zero: zero, base: now, empty: empty, horizon: horizon.Microseconds(), buckets: map[lua.Field]*bucket.Bucket{}, empties: map[lua.Field]bool{},
		conf: conf.clone(), swept: now,
	}
}

// used reports whether a bucket was ever requested.
func (m *memory) used(bucket string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for field := range m.buckets {
		if field.Bucket == bucket {
			return true
		}
	}
	return false
}

// spent returns how long each used bucket takes from empty to full.
func (m *memory) spent() map[string]time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]time.Duration{}
	for field, k := range m.buckets {
		fills := time.Duration(float64(k.Burst)*float64(k.Per)/float64(k.Tokens)) * time.Microsecond
		all[field.Bucket] = max(all[field.Bucket], fills)
	}
	return all
}
