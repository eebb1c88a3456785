package limiter

import (
	"context"
	"sync"
	"time"
)

// memory is the store of one process: the model of the bucket under a lock.
type memory struct {
	zero    time.Time // of its clock; fixed, like the two below
	all     *route
	horizon int64 // µs

	mu      sync.Mutex
	buckets map[bucketKey]*bucket
	grants  int64
}

type bucketKey struct {
	bucket string
	index  int
}

// newMemory begins with full buckets: nothing of an earlier process is outstanding in this one's memory.
func newMemory(s settings) *memory {
	m := &memory{zero: time.Now(), all: s.all, horizon: s.Horizon.Microseconds(), buckets: map[bucketKey]*bucket{}}
	for _, b := range s.all.limits {
		full := newBucket(b.limit, m.now(), 0)
		full.full, full.back, full.line, full.last = 0, 0, 0, 0
		m.buckets[bucketKey{b.bucket, b.index}] = full
	}
	return m
}

// now counts µs since 1970 on the monotonic clock.
func (m *memory) now() int64 { return m.zero.UnixMicro() + time.Since(m.zero).Microseconds() }

func (m *memory) reserve(r *route, _ string, lead time.Duration, asks []ask, tickets []ticket) (reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	steps := make([]step, len(r.limits))
	for i, b := range r.limits {
		steps[i] = step{bucket: m.buckets[bucketKey{b.bucket, b.index}], held: newcomer}
		steps[i].enter(now, b.limit)
		if tickets != nil {
			steps[i].held, steps[i].left = tickets[i].rank, tickets[i].tokens
		}
	}
	plans, comeBack := plan(steps, m.horizon, lead.Microseconds(), asks)
	out := reply{now: now, answers: make([]answer, len(plans)), comeBack: time.Duration(comeBack) * time.Microsecond, tickets: make([]ticket, len(steps))}
	for i, p := range plans {
		out.answers[i].at = time.Duration(p.at) * time.Microsecond
		if p.bound >= 0 {
			out.answers[i].bucket = r.limits[p.bound].bucket
		}
		switch {
		case p.reserved:
			m.grants++
		case p.refused:
			out.answers[i].verdict = refused
		default:
			out.answers[i].verdict = waits
		}
	}
	for i := range steps {
		out.tickets[i] = steps[i].ticket()
	}
	return out, nil
}

func (m *memory) snapshot(context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s := Snapshot{At: time.UnixMicro(now), Grants: m.grants}
	for _, b := range m.all.limits {
		k := m.buckets[bucketKey{b.bucket, b.index}]
		k.enter(now, b.limit)
		s.Buckets = append(s.Buckets, newBucketState(b.bucket, b.limit, k.available(), float64(k.line-k.full)/float64(k.per)))
	}
	return s, nil
}
