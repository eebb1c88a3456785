package lane

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// TestOlderCallerThatComesLater: while a request is in flight, a caller joins that is older than the one of the request. The older caller
// takes the reservation of the reply. The other one asks again, and gets a token if the bucket has one.
func TestOlderCallerThatComesLater(t *testing.T) {
	for _, c := range []struct {
		burst int64
		ok    bool
	}{{5, true}, {1, false}} {
		synctest.Test(t, func(t *testing.T) {
			s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 10_000_000, Burst: c.burst})
			m.delay = func() time.Duration { return 10 * time.Millisecond }
			n := New(s, "lane", false, m, routeOf(c.burst))
			begun := time.Now()
			time.Sleep(time.Second)
			var all sync.WaitGroup
			ask := func(since time.Time, want bool) {
				all.Go(func() {
					if _, err := n.Join(t.Context(), Ask{Mode: AtOnce, Cost: one, N: 1, Since: since}); (err == nil) != want {
						t.Errorf("burst %d: the caller of %v got %v, want a token: %t", c.burst, since.Sub(begun), err, want)
					}
				})
			}
			ask(time.Now(), c.ok)
			time.Sleep(time.Millisecond)
			ask(begun, true)
			all.Wait()
			s.Running.Wait()
		})
	}
}
