package limiter

import (
	"maps"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

const (
	// idleAfter is how long a lane may be unused before the process removes it. The next call makes a new one.
	idleAfter = time.Minute
	// sweepEvery is how often the process looks for unused lanes. The first look that finds a lane unused starts its
	// time, so that a lane is removed 60 to 80 s after its last use.
	sweepEvery = presenceEvery
	// sweepAtOnce bounds how many lanes one step removes, because new calls of the limiter wait meanwhile.
	sweepAtOnce = 256
)

// sweep removes idle lanes. It makes the store forget them and the lanes of removed routes. It runs in the presence
// goroutine. For buckets in memory a caller starts a goroutine for it.
func (l *Limiter) sweep(now time.Time) {
	l.mu.RLock()
	lanes := slices.AppendSeq(make([]*lane.Lane, 0, len(l.lanes)), maps.Values(l.lanes))
	l.mu.RUnlock()
	idle := slices.DeleteFunc(lanes, func(n *lane.Lane) bool { return !n.Retire(now, l.idle) })
	for some := range slices.Chunk(idle, sweepAtOnce) {
		l.mu.Lock()
		for _, n := range some {
			if l.lanes[keyOf(n)] == n { // otherwise a caller was faster
				delete(l.lanes, keyOf(n))
			}
		}
		l.mu.Unlock()
	}
	if ids := l.unused(idle); len(ids) > 0 {
		l.store.forget(ids)
	}
}

// unused returns the ids of removed lanes and of lanes of removed routes, except those that another lane has taken over
// and those with a call in flight.
func (l *Limiter) unused(givenUp []*lane.Lane) (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	later := l.ended[:0]
	for _, n := range l.ended {
		if n.Asking() {
			later = append(later, n)
		} else {
			givenUp = append(givenUp, n)
		}
	}
	clear(l.ended[len(later):])
	l.ended = later
	for _, n := range givenUp {
		if l.lanes[keyOf(n)] == nil {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// sweepOnUse starts a sweep if no presence goroutine runs and a sweep is due.
func (l *Limiter) sweepOnUse(now time.Time) {
	at, last := int64(now.Sub(l.created)), l.swept.Load()
	if at-last >= int64(sweepEvery) && l.swept.CompareAndSwap(last, at) {
		l.flights.Go(func() { l.sweep(now) })
	}
}
