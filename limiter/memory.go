package limiter

import (
	"context"
	"sync"
	"time"

	"github.com/weir-go/weir/lua"
)

// memory is the store of one process: the model of the bucket under a lock.
type memory struct {
	zero    time.Time // of its clock; fixed, like the three below
	horizon int64     // µs
	wish    []bound

	mu      sync.Mutex
	buckets map[lua.Field]*bucket
	steps   []step // of the call under way
	grants  int64
	conf    configuration
	swept   int64 // µs, when what was made at run time was last gone through
}

// newMemory begins with full buckets: nothing of an earlier process is outstanding in this one's memory.
func newMemory(s settings) *memory {
	m := &memory{zero: time.Now(), horizon: s.Horizon.Microseconds(), wish: s.wish, buckets: map[lua.Field]*bucket{}}
	m.swept = m.now()
	m.conf = configuration{version: 1, live: 1, opens: map[string]int64{}, set: map[string]bool{}}
	m.conf.limits = byBucket(m.wish)
	return m
}

// now counts µs since 1970 on the monotonic clock.
func (m *memory) now() int64 { return m.zero.UnixMicro() + time.Since(m.zero).Microseconds() }

func (m *memory) shared() bool { return false }

func (m *memory) line(string) line { return m }

// bucketLocked returns the bucket of a limit, full if nobody has asked for it yet, at a time.
func (m *memory) bucketLocked(b bound, now int64) *bucket {
	field := b.args().Field
	k := m.buckets[field]
	if k == nil {
		k = newBucket(b.limit, now, 0)
		k.full, k.back, k.line, k.last, k.edge = 0, 0, 0, 0, 0
		m.buckets[field] = k
	}
	k.enter(now, b.limit)
	k.opens = b.opens
	return k
}

func (m *memory) reserve(r *route, c *call) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.now = m.now()
	m.steps = m.steps[:0]
	for i, b := range r.limits {
		s := step{bucket: m.bucketLocked(b, c.now), of: b.bucket, held: newcomer}
		if c.tickets != nil {
			s.held, s.left = c.tickets[i].rank, c.tickets[i].tokens
		}
		m.steps = append(m.steps, s)
	}
	c.answers, c.comeBack, _ = plan(m.steps, m.horizon, c.lead, c.asks, nil, c.answers[:0])
	for _, p := range c.answers {
		if p.verdict == reserved {
			m.grants += int64(p.n)
		}
	}
	c.next = c.next[:0]
	for i := range m.steps {
		c.next = append(c.next, m.steps[i].ticket())
	}
	if now := c.now; now-m.swept > sweepUS {
		m.sweepLocked(now)
	}
	return nil
}

func (m *memory) configure(_ context.Context, changes []change, _ bool) (configuration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.conf.clone()
	for _, c := range changes {
		next.version++
		for _, b := range m.conf.limits[c.bucket] { // the former limit holds until now, the new one from now
			m.bucketLocked(b, m.now())
		}
		switch {
		case c.opens != nil:
			delete(next.opens, c.bucket)
			if *c.opens > 0 {
				next.opens[c.bucket] = m.now() + *c.opens
			}
		case len(c.limits) > 0:
			next.limits[c.bucket], next.set[c.bucket] = c.limits, true
		default:
			next.limits[c.bucket] = byBucket(m.wish)[c.bucket]
			delete(next.set, c.bucket)
		}
		for _, b := range next.limits[c.bucket] {
			if field := b.args().Field; m.buckets[field] == nil { // per another time: it begins empty, as in Redis
				m.buckets[field] = newBucket(b.limit, m.now(), m.horizon)
			}
			m.bucketLocked(b, m.now())
		}
	}
	m.conf = next
	return next, nil
}

func (m *memory) snapshot(context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s := Snapshot{At: time.UnixMicro(now), Grants: m.grants, Version: m.conf.version, Live: 1}
	for name, limits := range m.conf.limits {
		for _, b := range limits {
			k := m.bucketLocked(b, now)
			state := newBucketState(name, b.limit, k.available(), float64(k.line-k.full)/float64(k.per))
			state.Set = m.conf.set[name]
			state.PausedFor = pausedFor(m.conf.opens[name], now)
			s.Buckets = append(s.Buckets, state)
		}
	}
	s.sort()
	return s, nil
}

// sweepUS is how often buckets that were made at run time and are full again are forgotten, µs.
const sweepUS = 60_000_000

func (m *memory) sweepLocked(now int64) {
	m.swept = now
	for field, k := range m.buckets {
		_, configured := m.conf.limits[field.Bucket]
		if !configured && k.seen < now-sweepUS && k.us(k.line)+k.width < now-k.seen {
			delete(m.buckets, field)
		}
	}
}
