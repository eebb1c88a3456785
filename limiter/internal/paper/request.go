package paper

import (
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// run makes a request. Callers that the last reply served may come back in the same moment. The request waits for them until no more
// arrive in that moment, or until half of the last batch is back, but at least large callers.
func (n *lane) run(now time.Duration) {
	if n.batch <= 1 {
		n.request(now)
		return
	}
	enough, was := min(maxAsks, max(large, n.batch/2)), -1
	var gather func(now time.Duration)
	gather = func(now time.Duration) {
		is := n.queue.len()
		if is == was || is >= enough {
			n.request(now)
			return
		}
		was = is
		n.plan(now, gather)
	}
	gather(now)
}

// request sends a request if the lane has anything to ask for.
func (n *lane) request(now time.Duration) {
	if !n.build(now) {
		n.rest(now)
		return
	}
	n.wake(n.wakeAt(now, none))
	n.sent = now
	n.plan(now+n.way(), n.acquire)
}

// build fills the request with the callers that have no reservation. It reports whether there is a request to send.
func (n *lane) build(now time.Duration) bool {
	n.match(now)
	n.lead = n.replica.clock.lead(now)
	n.batch, n.place.sent = n.queue.len(), n.queue.len()
	n.asks = n.asks[:0]
	queue := n.queue.all()
	for i := n.pool.len(); i < len(queue) && i < n.pool.len()+maxAsks; i++ {
		age := max(0, now-queue[i]).Microseconds()
		last := len(n.asks) - 1
		if last >= 0 && n.asks[last].Age-age <= alikeAge(last, age) {
			n.asks[last].N++
			continue
		}
		if len(n.asks) == maxRuns {
			break
		}
		n.asks = append(n.asks, bucket.Ask{N: 1, Cost: one, Age: age, Patience: -1})
	}
	if len(n.asks) > 0 || len(queue) == 0 {
		n.place.again = none
	}
	return len(n.asks) > 0 || n.place.inLine
}

// alikeAge is the largest difference in age of the callers of one run of a request, µs.
func alikeAge(run int, age int64) int64 {
	if run < exactly {
		return nearUS
	}
	return max(farUS, age/farShare)
}

// rest ends a request, and begins the next if one is due.
func (n *lane) rest(now time.Duration) {
	n.asking = false
	if n.asking = n.settle(now); n.asking {
		n.run(now)
	}
}

// reply is the decision of Redis.
type reply struct {
	now      int64 // µs, on the clock of the core
	grants   []int64
	comeBack int64 // µs; negative if nobody waits
}

// take handles a reply.
func (n *lane) take(r *reply, now time.Duration) {
	c := &n.replica.clock
	c.observe(onPaper(r.now), now)
	n.trip = max(now-n.sent, n.trip*7/8)
	for _, at := range r.grants {
		g := grant{c.local(onPaper(at)), at}
		pool := n.pool.all()
		i := len(pool)
		for i > 0 && g.due < pool[i-1].due {
			i--
		}
		n.pool.insert(i, g)
	}
	n.place.inLine, n.place.again = r.comeBack >= 0, none
	if n.place.inLine {
		again := max(c.local(onPaper(r.now+r.comeBack)), now+soonest)
		n.place.again = min(again, now+recheck) + time.Duration(n.rnd.Int64N(int64(jitter)))
	}
	n.called(now-n.sent, now)
	n.match(now)
	n.rest(now)
}
