package worker

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/desk"
)

// inMemory is the limiter of a replica that is alone.
func inMemory(t *testing.T, cfg Config) *limiter.Limiter {
	t.Helper()
	cfg.Redis = struct{ redis.UniversalClient }{} // never asked
	filled, err := cfg.filled()
	if err != nil {
		t.Fatal(err)
	}
	l, err := limiter.NewMemory(filled.limits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// TestHoldOfOneProviderShutsNoOther: a provider that refuses calls gets none, and calls to the others go on.
func TestHoldOfOneProviderShutsNoOther(t *testing.T) {
	own := map[string][]limiter.Limit{"spotify": {limiter.PerSecond(10, 5)}}
	for name, cfg := range map[string]Config{"no limits of providers": {}, "one with limits of its own": {APIs: own}} {
		for _, hold := range []time.Duration{20 * time.Second, time.Hour} {
			t.Run(name+", "+hold.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := inMemory(t, cfg)
					for _, held := range routes {
						if err := l.Report(t.Context(), held, limiter.Throttled{RetryAfter: hold}); err != nil {
							t.Fatal(err)
						}
						for _, route := range routes {
							d, err := l.Decide(t.Context(), route, 1)
							if err != nil || d.OK == (route == held) {
								t.Errorf("a hold of %s: a call of %s: %+v, %v", held, route, d, err)
							}
						}
						time.Sleep(hold + time.Minute)
					}
				})
			})
		}
	}
}

// TestBucketsOfProvidersBindNobody: a provider's bucket never has fewer tokens than the shared one, whichever provider is called. So only the
// shared budget makes calls wait.
func TestBucketsOfProvidersBindNobody(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a bucket": {Budget: limiter.PerSecond(40, 40)}, "a burst of one": {Budget: limiter.PerSecond(40, 1)}, "a window": {Budget: limiter.PerWindow(40, time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := inMemory(t, cfg)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				var started atomic.Int64
				var all sync.WaitGroup
				for i := range 30 {
					all.Go(func() {
						// The providers take turns in being busy.
						for n := 0; ; n++ {
							if l.Wait(ctx, routes[(n/20+i%2)%len(routes)]) != nil {
								return
							}
							started.Add(1)
						}
					})
				}
				for range 99 {
					time.Sleep(99 * time.Millisecond)
					s, err := l.Snapshot(ctx)
					if err != nil {
						t.Fatal(err)
					}
					level := map[string]float64{}
					for _, b := range s.Buckets {
						level[b.Bucket] = b.Tokens - b.Debt
					}
					for _, route := range routes {
						if level[route] < level[shared]-1e-6 {
							t.Fatalf("levels %v: %s is below %s", level, route, shared)
						}
					}
				}
				all.Wait()
				least, most := int64(390), int64(cfg.Budget.Burst)+400
				if n := started.Load(); n < least || n > most {
					t.Errorf("%d calls in 10 s, want %d to %d", n, least, most)
				}
			})
		})
	}
}

// TestStreamsLeaveRoomForOtherRequests: if all streams are taken, requests such as DELETE still find a connection and pass the gate.
func TestStreamsLeaveRoomForOtherRequests(t *testing.T) {
	for _, readers := range []int{0, 1, 5_000} {
		cfg, err := Config{Redis: struct{ redis.UniversalClient }{}, Desk: desk.Config{Readers: readers}}.filled()
		if err != nil {
			t.Fatal(err)
		}
		streams := cmp.Or(readers, desk.DefaultReaders)
		if requests := cfg.gate().Requests; requests < streams+1_000 || cfg.Connections < requests+1_000 {
			t.Errorf("%d streams, %d requests, %d connections", streams, requests, cfg.Connections)
		}
	}
}
