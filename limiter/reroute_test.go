package limiter_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestReplyOfFormerLimits: a route gets other limits while a request is under way. The reservations of that reply start no
// call, whichever method the caller uses, because the present limits were not charged for them.
func TestReplyOfFormerLimits(t *testing.T) {
	narrow := ofBucket("narrow", limiter.PerSecond(5, 5))
	once := ofBucket("once", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1})
	for name, start := range map[string]func(ctx context.Context, l *limiter.Limiter) bool{
		"Wait": func(ctx context.Context, l *limiter.Limiter) bool { return l.Wait(ctx, "tenant") == nil },
		"Allow": func(ctx context.Context, l *limiter.Limiter) bool {
			ok, err := l.Allow(ctx, "tenant")
			return ok && err == nil
		},
		"Reserve": func(ctx context.Context, l *limiter.Limiter) bool {
			r, err := l.Reserve(ctx, "tenant")
			if err != nil {
				return false
			}
			time.Sleep(r.Delay())
			return r.Use("tenant")
		},
		"ReserveBatch": func(ctx context.Context, l *limiter.Limiter) bool {
			rs, _, err := l.ReserveBatch(ctx, "tenant", limiter.Run{N: 1})
			return err == nil && len(rs) == 1 && rs[0].Use("tenant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var delay atomic.Int64
				l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
				defer closeLimiter(t, l)
				makeRoute(t, l, "tenant", narrow)
				time.Sleep(idle)
				startOf(t, l, "tenant", time.Now())
				time.Sleep(5 * time.Second)
				delay.Store(int64(time.Second))
				limiter.Accustom(l, time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var started atomic.Int64
				var calling sync.WaitGroup
				for range 3 {
					calling.Go(func() {
						if start(ctx, l) {
							started.Add(1)
						}
					})
				}
				synctest.Wait()
				time.Sleep(500 * time.Millisecond) // the reply is on its way
				makeRoute(t, l, "tenant", once)
				delay.Store(int64(20 * time.Millisecond))
				time.Sleep(time.Minute)
				if n := started.Load(); n != 1 {
					t.Errorf("%d calls started on a limit of one an hour", n)
				}
				if name == "Wait" {
					if ok, err := l.Allow(t.Context(), "tenant"); ok || err != nil {
						t.Errorf("another call in the same hour: %v, %v", ok, err)
					}
				}
				cancel()
				calling.Wait()
			})
		})
	}
}
