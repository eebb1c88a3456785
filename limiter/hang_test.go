package limiter_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// hanging runs a test with a limiter on a Redis that takes three seconds for each reply once the test says so. Before,
// Redis is fast, so callers make requests themselves.
func hanging(t *testing.T, test func(t *testing.T, l *limiter.Limiter)) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		time.Sleep(idle)
		for range 3 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		delay.Store(int64(3 * time.Second))
		test(t, l)
		time.Sleep(5 * time.Second)
		delay.Store(0)
		time.Sleep(5 * time.Second)
	})
}

// TestWhoHasADeadlineKeepsIt: a caller returns at its deadline even if the reply takes longer. A client does not notice
// the end of a context while it reads.
func TestWhoHasADeadlineKeepsIt(t *testing.T) {
	hanging(t, func(t *testing.T, l *limiter.Limiter) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := l.Wait(ctx, "global"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait: %v", err)
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("the caller returned after %v", took)
		}
	})
}

// TestWhoWouldNotWaitIsHeard: a caller of Allow shares the request of another caller, and still returns when its own
// context ends.
func TestWhoWouldNotWaitIsHeard(t *testing.T) {
	hanging(t, func(t *testing.T, l *limiter.Limiter) {
		var asking sync.WaitGroup
		asking.Go(func() {
			if ok, err := l.Allow(t.Context(), "global"); ok != (err == nil) {
				t.Errorf("the caller that makes the request: %v, %v", ok, err)
			}
		})
		synctest.Wait()
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := l.Allow(ctx, "global"); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that shares the request: %v, want the end of its context", err)
		}
		if took := time.Since(begin); took != 50*time.Millisecond {
			t.Errorf("the caller returned after %v", took)
		}
		asking.Wait()
	})
}

// TestSparesOfALostMemoryAreVoid: a reservation was returned, and served a call that Redis no longer knows after a loss.
// It does not serve a second call.
func TestSparesOfALostMemoryAreVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		fleet := [3]*limiter.Limiter{}
		for i := range fleet {
			var err error
			if fleet[i], err = limiter.New(t.Context(), rdb, one(40, 1)); err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, fleet[i])
		}
		time.Sleep(idle)
		reserve := func(l *limiter.Limiter) []*limiter.Reservation {
			rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 10})
			if err != nil {
				t.Fatal(err)
			}
			return rs
		}
		first := reserve(fleet[0])
		for _, r := range first {
			r.Cancel()
		}
		synctest.Wait()
		const state = "{weir}:state"
		lagging, err := rdb.HGetAll(t.Context(), state).Result()
		if err != nil {
			t.Fatal(err)
		}
		if taken := reserve(fleet[1]); len(taken) < 9 || taken[8].Due() != first[9].Due() {
			t.Fatalf("the other replica got %d reservations, the ninth due in %v", len(taken), taken[8].Delay())
		}
		m.Del(state)
		if err := rdb.HSet(t.Context(), state, lagging).Err(); err != nil {
			t.Fatal(err)
		}
		none := func(l *limiter.Limiter) {
			t.Helper()
			for _, r := range reserve(l) {
				if r.Delay() < limiter.DefaultHorizon {
					t.Errorf("after the loss a call got a reservation that is due in %v and that another call has", r.Delay())
				}
			}
		}
		none(fleet[1])
		// Nor does a reservation that was returned before the loss, and is written only now.
		for field, value := range lagging {
			if strings.HasPrefix(field, "spare:") {
				if err := rdb.HSet(t.Context(), state, field, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		none(fleet[2])
	})
}
