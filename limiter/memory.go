package limiter

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter/internal/adapt"
	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// memory is the store of one process: the buckets under a lock.
type memory struct {
	zero    time.Time // of its clock; fixed, like the five below
	base    int64     // µs, what the clock shows at zero
	empty   int64     // µs, when all of its buckets were empty; 0 where they begin as their limits say
	horizon int64     // µs
	wanted  []bound

	mu      sync.Mutex
	buckets map[lua.Field]*bucket.Bucket
	path    bucket.Route // of the call under way, like the two below
	request bucket.Request
	reply   bucket.Reply
	grants  int64
	conf    configuration
	empties map[lua.Field]bool // made at run time, and empty at first
	dropped int                // buckets that were forgotten so far
	swept   int64              // µs, when buckets made at run time were last checked
}

// newMemory returns a store whose buckets begin as their limits say: no reservation of an earlier process exists in
// memory.
func newMemory(s settings) *memory {
	m := &memory{zero: time.Now(), horizon: s.Horizon.Microseconds(), wanted: s.wanted, buckets: map[lua.Field]*bucket.Bucket{}, empties: map[lua.Field]bool{}}
	m.base = m.zero.UnixMicro()
	m.swept = m.now()
	m.conf = configuration{version: 1, live: 1, opens: map[string]opening{}, set: map[string]bool{}, shadowed: map[string]bool{}}
	m.conf.limits = byBucket(m.wanted)
	for _, b := range m.wanted {
		m.bucketLocked(b, m.now())
	}
	return m
}

// now counts µs since 1970 on the monotonic clock.
func (m *memory) now() int64 { return m.base + time.Since(m.zero).Microseconds() }

func (m *memory) shared() bool { return false }

func (m *memory) line(id string) lane.Store { return &memoryLine{memory: m, id: id} }

// forget does nothing: what a lane returned ends with its line, and buckets are forgotten when they are full.
func (m *memory) forget([]string) {}

// memoryLine is the store of one lane in a memory.
type memoryLine struct {
	*memory

	id     string
	spares []bucket.Spare // reservations that the lane has returned and that serve only itself
	of     *lane.Route    // the route of these reservations

	held    []*bucket.Bucket // buckets of a route, valid while dropped equals foundAt
	found   *lane.Route
	foundAt int
}

// bucketLocked returns the bucket of a limit at a time. It makes the bucket if nobody has used it yet.
func (m *memory) bucketLocked(b bound, now int64) *bucket.Bucket {
	field := b.args().Field
	k := m.buckets[field]
	if k == nil {
		k = bucket.New(b.core())
		m.buckets[field] = k
		if b.limit.Begin == Empty {
			m.empties[field] = b.own
			k.Enter(now, b.core(), 0)
			k.Empty(cmp.Or(m.empty, now))
		}
	}
	k.Enter(now, b.core(), b.opens.at)
	if b.opens.gently() {
		k.OpenGently()
	}
	return k
}

// Reserve decides under the lock of all buckets.
func (m *memoryLine) Reserve(r *lane.Route, q *lane.Request) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	q.Now, q.Runs = m.now(), 1
	m.path.Limits, m.path.Of = m.bucketsLocked(r, q.Now), passedOf(r).of
	m.request = bucket.Request{Lane: m.id, Now: q.Now, Horizon: m.horizon, Lead: q.Lead, Asks: q.Asks, Spares: m.returned(r, q), Settled: q.Settled, Hold: q.Hold, Taught: q.Taught}
	m.reply.Answers = q.Answers
	bucket.Decide(m.path, &m.request, &m.reply)
	m.spares = m.reply.Left
	q.Answers, q.ComeBack = m.reply.Answers, m.reply.ComeBack
	q.Left, q.Stand = q.Left[:0], q.Stand[:0]
	if q.Stands {
		for _, k := range m.path.Limits {
			stand := k.Stand()
			if !k.Window {
				stand = max(q.Now, stand)
			}
			q.Stand = append(q.Stand, stand)
		}
	}
	if q.Tell {
		for _, k := range m.path.Limits {
			q.Left = append(q.Left, max(0, int64(k.Available(q.Now))))
		}
	}
	for _, a := range q.Answers {
		if a.Verdict == bucket.Reserved {
			m.grants += int64(a.N)
		}
	}
	if now := q.Now; now-m.swept > sweepUS {
		m.sweepLocked(now)
	}
	return nil
}

// returned adds what a call returns to the spares of its lane.
func (m *memoryLine) returned(r *lane.Route, q *lane.Request) []bucket.Spare {
	s := m.spares
	if m.of != r {
		s, m.of = nil, r
	}
	for i := range s {
		s[i].Fresh = false
	}
	s = slices.DeleteFunc(s, func(s bucket.Spare) bool { return s.Due <= q.Now })
	for _, b := range q.Backs {
		s = append(s, bucket.Spare{Due: b.Due, Cost: b.Cost.On(r), Fresh: true})
	}
	slices.SortStableFunc(s, func(a, b bucket.Spare) int { return cmp.Compare(a.Due, b.Due) })
	return s
}

// bucketsLocked returns the buckets of a route at a time. Looking them up costs more than deciding.
func (m *memoryLine) bucketsLocked(r *lane.Route, now int64) []*bucket.Bucket {
	limits := passedOf(r).limits
	if m.found != r || m.foundAt != m.dropped {
		m.found, m.foundAt, m.held = r, m.dropped, m.held[:0]
		for _, b := range limits {
			m.held = append(m.held, m.bucketLocked(b, now))
		}
		return m.held
	}
	for i, b := range limits {
		m.held[i].Enter(now, b.core(), b.opens.at)
		if b.opens.gently() {
			m.held[i].OpenGently()
		}
	}
	return m.held
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
		case c.shadow != nil:
			next.shadow = *c.shadow
			continue
		case c.beside != nil:
			next.shadowed[c.bucket] = *c.beside
			continue
		case c.opens != nil:
			opens := opening{m.now() + c.opens.at, c.opens.by} // empty at that moment, also if it is empty now
			if former := next.opens[c.bucket]; c.opens.at > 0 && former.at >= opens.at {
				opens = former // a pause never shortens another
			}
			next.opens[c.bucket] = opens
		case len(c.limits) > 0:
			next.limits[c.bucket], next.set[c.bucket] = c.limits, true
		default:
			next.limits[c.bucket] = byBucket(m.wanted)[c.bucket]
			delete(next.set, c.bucket)
		}
		m.inheritLocked(m.conf.limits[c.bucket], next.limits[c.bucket])
	}
	m.conf = next
	return next, nil
}

// inheritLocked makes the buckets of limits. A new bucket takes over the number of tokens of those that are no longer
// in force.
func (m *memory) inheritLocked(was, is []bound) {
	now := m.now()
	in := func(limits []bound, f lua.Field) bool {
		return slices.ContainsFunc(limits, func(b bound) bool { return b.args().Field == f })
	}
	for _, b := range is {
		k := m.bucketLocked(b, now)
		if in(was, b.args().Field) || b.limit.Window {
			continue
		}
		for _, former := range was {
			if f := former.args().Field; !f.Window && !in(is, f) {
				k.Inherit(now, m.buckets[f])
			}
		}
	}
}

// seenLocked returns a copy of a bucket: reading a bucket whose limit is learnt must not count as use.
func (m *memory) seenLocked(b bound, now int64) *bucket.Bucket {
	k := m.buckets[b.args().Field]
	if k == nil {
		k = m.bucketLocked(b, now)
	}
	k = bucket.Restore(k.State(), k.Line(), k.Starts(), now)
	k.Enter(now, b.core(), b.opens.at)
	if b.opens.gently() {
		k.OpenGently()
	}
	return k
}

func (m *memory) snapshot(context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	s := Snapshot{At: time.UnixMicro(now), Grants: m.grants, Version: m.conf.version, Live: 1}
	for name, limits := range m.conf.limits {
		for _, b := range limits {
			k := m.seenLocked(b, now)
			state := newBucketSnapshot(name, b.limit, k.Available(now), float64(k.State().Whole))
			state.Served = float64(k.Factor(now)) / adapt.Whole
			state.Set, state.Shadowed = m.conf.set[name], m.conf.shadowed[name]
			state.paused(m.conf.opens[name], now)
			s.Buckets = append(s.Buckets, state)
		}
	}
	s.sort()
	return s, nil
}

const (
	// sweepUS is how often full buckets that were made at run time are forgotten, µs.
	sweepUS = 60_000_000
	// emptyUS is how long a full bucket that began empty is remembered, µs.
	emptyUS = 24 * 3600 * 1_000_000
)

func (m *memory) sweepLocked(now int64) {
	m.swept = now
	for field, k := range m.buckets {
		_, configured := m.conf.limits[field.Bucket]
		since := now - sweepUS
		if m.empties[field] { // a new one would be empty again
			since = now - emptyUS
		}
		if !configured && k.Idle(since) {
			delete(m.buckets, field)
			m.dropped++
			delete(m.empties, field)
		}
	}
}
