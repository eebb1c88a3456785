package lane

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// counting is a store that counts requests made while another one is under way.
type counting struct {
	Store

	twice *atomic.Int64
	mu    sync.Mutex
	under map[*Request]int
}

func (c *counting) Reserve(r *Route, q *Request) error {
	c.mu.Lock()
	if c.under[q]++; c.under[q] > 1 {
		c.twice.Add(1)
	}
	c.mu.Unlock()
	err := c.Store.Reserve(r, q)
	time.Sleep(time.Millisecond) // the time of a reply
	c.mu.Lock()
	c.under[q]--
	c.mu.Unlock()
	return err
}

// TestGivenUpLoopsMakeNoRequest: whenever another store takes over, only one goroutine makes the requests of a lane, and every caller is
// served.
func TestGivenUpLoopsMakeNoRequest(t *testing.T) {
	var twice atomic.Int64
	for i := range 300 {
		s := sharedOf()
		store := &counting{Store: newMoody(bucket.Limit{Tokens: 1, Per: 1000, Burst: 1000}), twice: &twice, under: map[*Request]int{}}
		s.Line = func(string) Store { return store }
		n := New(s, "lane", false, store, routeOf(1000))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var calling sync.WaitGroup
		for range 8 {
			calling.Go(func() {
				if _, err := n.Join(ctx, Ask{Mode: WhenDue, Cost: Cost{Tokens: 1}, N: 1, Since: time.Now()}); err != nil {
					t.Error(err)
				}
			})
		}
		if i%2 == 0 {
			time.Sleep(time.Duration(i%50) * 10 * time.Microsecond) // the other store takes over at another moment each time
		}
		away := *routeOf(1000)
		away.Away, away.Built = 1, 2
		n.Reroute(NewRoute(away))
		calling.Wait()
		cancel()
	}
	if n := twice.Load(); n > 0 {
		t.Errorf("%d times two requests of the lane were under way at once", n)
	}
}
