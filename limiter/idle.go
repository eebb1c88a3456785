package limiter

import (
	"errors"
	"maps"
	"slices"
	"time"
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

// errGivenUp is what a lane that was given up tells those who come to it a moment too late: there is another, or will be.
var errGivenUp = errors.New("limiter: lane given up")

// sweep gives up the lanes that are idle, and has the store forget them and those of routes that were forgotten. It runs
// in the goroutine that keeps presence, or where the store is this process' own in one that a caller starts.
func (l *Limiter) sweep(now time.Time) {
	l.mu.RLock()
	lanes := slices.AppendSeq(make([]*lane, 0, len(l.lanes)), maps.Values(l.lanes))
	l.mu.RUnlock()
	idle := slices.DeleteFunc(lanes, func(n *lane) bool { return !n.giveUp(now, l.idle) })
	for some := range slices.Chunk(idle, sweepAtOnce) {
		l.mu.Lock()
		for _, n := range some {
			if l.lanes[n.key] == n { // else a caller was faster
				delete(l.lanes, n.key)
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
func (l *Limiter) unused(givenUp []*lane) (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	later := l.ended[:0]
	for _, n := range l.ended {
		if n.underWay() {
			later = append(later, n)
		} else {
			givenUp = append(givenUp, n)
		}
	}
	clear(l.ended[len(later):])
	l.ended = later
	for _, n := range givenUp {
		if l.lanes[n.key] == nil {
			ids = append(ids, n.id)
		}
	}
	return ids
}

// sweepOnUse starts a sweep where no goroutine keeps presence, if it is time for one.
func (l *Limiter) sweepOnUse(now time.Time) {
	at, last := int64(now.Sub(l.clock.zero)), l.swept.Load()
	if at-last >= int64(sweepEvery) && l.swept.CompareAndSwap(last, at) {
		l.flights.Go(func() { l.sweep(now) })
	}
}

// giveUp ends a lane if nobody has used it for a time: nobody waits, no call is under way, no reservation is there, and it
// has no place in line. The place of a scheduler that does not come back has ended in the store long before.
func (n *lane) giveUp(now time.Time, idle time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pool.dropLate(now, n.l.s.Slack)
	inLine := n.lined && now.Sub(n.comeBack) < idleAfter
	if n.used || inLine || n.queue.len > 0 || n.flying || len(n.pool.grants) > 0 {
		n.used, n.since = false, now
		return false
	}
	if n.closed != nil || now.Sub(n.since) < idle {
		return false
	}
	n.closed = errGivenUp
	n.alarm.stop()
	return true
}

// underWay reports whether a call of the lane is on its way.
func (n *lane) underWay() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.flying
}
