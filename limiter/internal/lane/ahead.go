package lane

import (
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Ahead returns what the lane would ask the store for now, for the callers without a reservation. A caller that comes
// next is behind them. If no caller is without one, free is the due time of the next reservation that no caller here
// waits for; zero for none.
func (n *Lane) Ahead(now time.Time) (asks []bucket.Ask, free time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, plain, calls := n.route.Load(), n.queue.odd == 0 && n.pool.odd == 0, 0
	for i, w := 0, n.queue.first; w != nil && calls < maxAsks; i, w = i+1, w.next {
		if plain && i < len(n.pool.grants) || !plain && w.state == covered || r.Check(w.Cost) != nil || !r.fits(w.Cost) {
			continue
		}
		k := n.askOf(w, r, now)
		k.Patience = -1
		calls += k.N
		if last := len(asks) - 1; last >= 0 && len(k.Cost) == 1 && len(asks[last].Cost) == 1 && asks[last].Cost[0] == k.Cost[0] {
			asks[last].N += k.N
		} else {
			asks = append(asks, k)
		}
	}
	if len(asks) == 0 && plain && n.queue.len < len(n.pool.grants) {
		free = n.pool.grants[n.queue.len].Due
	}
	return asks, free
}
