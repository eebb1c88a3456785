package limiter

import (
	"context"
	"sync"
	"time"
)

// memory is the store of one process: the model of the bucket under a lock.
type memory struct {
	zero time.Time // of its clock; set at construction
	all  *route

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
	m := &memory{zero: time.Now(), all: s.all, buckets: map[bucketKey]*bucket{}}
	for _, b := range s.all.limits {
		full := newBucket(b.limit, m.now(), 0)
		full.full = stamp{us: m.now()}
		m.buckets[bucketKey{b.bucket, b.index}] = full
	}
	return m
}

// now counts µs since 1970 on the monotonic clock.
func (m *memory) now() int64 { return m.zero.UnixMicro() + time.Since(m.zero).Microseconds() }

func (m *memory) reserve(_ context.Context, r *route, lead time.Duration, asks []ask) (int64, []answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	path := make([]*bucket, len(r.limits))
	for i, b := range r.limits {
		path[i] = m.buckets[bucketKey{b.bucket, b.index}]
		path[i].enter(now, b.limit)
	}
	answers := make([]answer, len(asks))
	for i, k := range asks {
		at, bound := due(now+lead.Microseconds(), path, k.cost)
		answers[i].at = at
		if bound >= 0 {
			answers[i].bucket = r.limits[bound].bucket
		}
		if k.patience < 0 || at-now <= k.patience.Microseconds() {
			answers[i].reserved = true
			m.grants++
			for _, b := range path {
				b.charge(at, k.cost)
			}
		}
	}
	return now, answers, nil
}

func (m *memory) snapshot(context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s := Snapshot{At: time.UnixMicro(now), Grants: m.grants}
	for _, b := range m.all.limits {
		k := m.buckets[bucketKey{b.bucket, b.index}]
		s.Buckets = append(s.Buckets, newBucketState(b.bucket, b.limit, k.level(now)))
	}
	return s, nil
}
