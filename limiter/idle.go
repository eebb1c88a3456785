package limiter

import (
	"maps"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

const (
	// idleAfter is how long nobody uses a lane before the process gives it up. The next call makes it anew.
	idleAfter = time.Minute
	// sweepEvery is how often the process looks for lanes to give up. The first look that finds a lane unused starts its time, so
	// that a lane goes 60 to 80 s after its last use.
	sweepEvery = presenceEvery
	// sweepAtOnce is how many lanes go while new calls of the limiter wait.
	sweepAtOnce = 256
)

// sweep gives up the lanes that are idle, and has the store forget them and those of routes that were forgotten. It runs
// in the goroutine that keeps presence, or where the store is this process' own in one that a caller starts.
func (l *Limiter) sweep(now time.Time) {
	l.mu.RLock()
	lanes := slices.AppendSeq(make([]*lane.Lane, 0, len(l.lanes)), maps.Values(l.lanes))
	l.mu.RUnlock()
	idle := slices.DeleteFunc(lanes, func(n *lane.Lane) bool { return !n.Retire(now, l.idle) })
	for some := range slices.Chunk(idle, sweepAtOnce) {
		l.mu.Lock()
		for _, n := range some {
			if l.lanes[keyOf(n)] == n { // else a caller was faster
				delete(l.lanes, keyOf(n))
			}
		}
		l.mu.Unlock()
	}
	if ids := l.unused(idle); len(ids) > 0 {
		l.store.forget(ids)
	}
}

// unused returns the ids of lanes that were given up and of lanes of routes that were forgotten, as far as no other lane has
// taken their place and no call of them is under way.
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

// sweepOnUse starts a sweep where no goroutine keeps presence, if it is time for one.
func (l *Limiter) sweepOnUse(now time.Time) {
	at, last := int64(now.Sub(l.born)), l.swept.Load()
	if at-last >= int64(sweepEvery) && l.swept.CompareAndSwap(last, at) {
		l.flights.Go(func() { l.sweep(now) })
	}
}
