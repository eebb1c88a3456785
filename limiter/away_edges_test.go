package limiter_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// tenants returns a fleet whose route "global" passes buckets made at run time and then a wide configured one.
func tenants(t *testing.T, own ...limiter.Bucket) *linkedFleet {
	t.Helper()
	v := newLinkedFleet(t, 2, limiter.SingleBucket("shared", limiter.PerSecond(1000, 1000)))
	for _, l := range v.fleet {
		did(t, l.AddRoute("global", append(own, limiter.Bucket{Name: "shared"})...))
	}
	time.Sleep(15 * time.Second)
	return v
}

// TestWithoutRedisEveryTenantBucketIsEmptied: a route passes several buckets made at run time. When Redis is back each of them is empty,
// whichever is the narrowest, even if the first requests to Redis fail or the route is made again.
func TestWithoutRedisEveryTenantBucketIsEmptied(t *testing.T) {
	fast, slow := limiter.PerSecond(100, 20), limiter.PerSecond(10, 60)
	first, second := limiter.Bucket{Name: "fast", Limits: []limiter.Limit{fast}}, limiter.Bucket{Name: "slow", Limits: []limiter.Limit{slow}}
	for name, path := range map[string][]limiter.Bucket{"the first binds": {second, first}, "the second binds": {first, second}, "the only one": {second}} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, made again %t", name, again), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := tenants(t, path...)
					defer v.close(t)
					begin := time.Now()
					go func() {
						time.Sleep(8 * time.Second)
						v.each((*link).Cut)
						time.Sleep(12 * time.Second)
						v.each((*link).Restore)
					}()
					all := v.saturate(t, 70, begin.Add(19*time.Second))
					if again {
						for _, l := range v.fleet {
							did(t, l.RemoveRoute("global"))
						}
					}
					time.Sleep(4 * time.Second)
					if again {
						for _, l := range v.fleet {
							did(t, l.AddRoute("global", append(path, limiter.Bucket{Name: "shared"})...))
						}
					}
					for i, more := range v.saturate(t, 70, begin.Add(30*time.Second)) {
						all[i] = append(all[i], more...)
					}
					if over := excess(all, slow); over > 2+0.5 {
						t.Errorf("the starts exceed the limit by %.1f", over)
					}
				})
			})
		}
	}
}

// TestWithoutRedisTenantsThatNobodyUsed: buckets made at run time keep their tokens if no call used them without Redis, even on slow
// limits.
func TestWithoutRedisTenantsThatNobodyUsed(t *testing.T) {
	for _, limit := range []limiter.Limit{{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}, limiter.PerSecond(10, 40)} {
		synctest.Test(t, func(t *testing.T) {
			v := tenants(t, limiter.Bucket{Name: "tenant", Limits: []limiter.Limit{limit}})
			defer v.close(t)
			l := v.fleet[0]
			did(t, l.Wait(t.Context(), "global"))
			time.Sleep(time.Second)
			v.each((*link).Cut)
			go func() { _, _ = l.Allow(t.Context(), "shared") }()
			time.Sleep(3 * time.Second)
			v.each((*link).Restore)
			time.Sleep(3 * time.Second)
			if d, err := l.Decide(t.Context(), "global", 1); err != nil || !d.OK || d.Remaining < limit.Burst-10 {
				t.Errorf("Decide by the limit %v: %+v, %v", limit, d, err)
			}
		})
	}
}

// TestWithoutRedisWindowsHold: the starts never exceed a window, configured or made at run time, whenever Redis comes back.
func TestWithoutRedisWindowsHold(t *testing.T) {
	limit := limiter.PerWindow(20, 4*time.Second)
	for _, own := range []bool{false, true} {
		for k := range few(6, 90) {
			length := 10*time.Second + time.Duration(k*few(370, 50))*time.Millisecond
			synctest.Test(t, func(t *testing.T) {
				var v *linkedFleet
				if own {
					v = tenants(t, limiter.Bucket{Name: "tenant", Limits: []limiter.Limit{limit}})
				} else {
					v = newLinkedFleet(t, 2, limiter.SingleBucket("global", limit))
					time.Sleep(15 * time.Second)
				}
				defer v.close(t)
				begin := time.Now()
				go func() {
					time.Sleep(5 * time.Second)
					v.each((*link).Cut)
					time.Sleep(length)
					v.each((*link).Restore)
				}()
				all := v.saturate(t, 30, begin.Add(28*time.Second))
				if over := excess(all, limit); over > 0 {
					t.Errorf("made at run time %t, Redis back after %v: the starts exceed the window by %.0f", own, length, over)
				}
			})
		}
	}
}

// TestWithoutRedisProvidersAreObeyed: a provider asks a replica to wait while Redis is away. That replica stops its calls at once, and all
// replicas do when Redis is back.
func TestWithoutRedisProvidersAreObeyed(t *testing.T) {
	for _, own := range []bool{false, true} {
		for _, hold := range []time.Duration{4 * time.Second, 20 * time.Second} {
			for _, restored := range []time.Duration{600 * time.Millisecond, 1900 * time.Millisecond, 3 * time.Second} { // when Redis is back; 3 s is never
				t.Run(fmt.Sprintf("%v, made at run time %t, back %v before", hold, own, restored), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						limit := limiter.PerSecond(20, 5)
						var v *linkedFleet
						if own { // the report is about this bucket: the route passes no configured one
							v = newLinkedFleet(t, 2, limiter.SingleBucket("other", limit))
							for _, l := range v.fleet {
								did(t, l.AddRoute("global", limiter.Bucket{Name: "tenant", Limits: []limiter.Limit{limit}}))
							}
						} else {
							v = newLinkedFleet(t, 2, limiter.SingleBucket("global", limit))
						}
						defer v.close(t)
						time.Sleep(12 * time.Second)
						begin := time.Now()
						v.each((*link).Cut)
						go func() {
							if restored < 3*time.Second {
								time.Sleep(5*time.Second - restored)
							} else {
								time.Sleep(6 * time.Second)
							}
							v.each((*link).Restore)
						}()
						go func() {
							time.Sleep(5 * time.Second)
							did(t, v.fleet[0].Report(t.Context(), "global", limiter.Throttled{RetryAfter: hold}))
						}()
						all := v.saturate(t, 5, begin.Add(5*time.Second+hold+5*time.Second))
						reported := begin.Add(5 * time.Second)
						here := between(all[:1], reported.Add(350*time.Millisecond), reported.Add(hold-100*time.Millisecond))
						everywhere := between(all, reported.Add(3500*time.Millisecond), reported.Add(hold-100*time.Millisecond))
						if here > 0 || everywhere > 0 {
							t.Errorf("during the hold %d calls of the replica with the report started, and %d of all replicas after Redis was back; want none", here, everywhere)
						}
						if n := between(all, reported.Add(hold), reported.Add(hold+5*time.Second)); n < 60 {
							t.Errorf("%d calls started in 5 s after the hold, want 100", n)
						}
					})
				})
			}
		}
	}
}

// TestWithoutRedisWhoWasForgotten: a replica that the others have forgotten has no share until they count it again.
func TestWithoutRedisWhoWasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newLinkedFleet(t, 2, limiter.SingleBucket("global", limiter.PerSecond(40, 4)))
		defer v.close(t)
		time.Sleep(25 * time.Second)
		begin := time.Now()
		var all time.Time // when both replicas are cut off
		go func() {
			v.links[0].Cut()
			time.Sleep(45 * time.Second)
			for v.fleet[1].Replicas() > 1 {
				time.Sleep(100 * time.Millisecond)
			}
			v.links[0].Restore()
			for v.fleet[0].Health().Mode != limiter.Connected {
				time.Sleep(50 * time.Millisecond)
			}
			v.each((*link).Cut)
			all = time.Now()
			time.Sleep(13 * time.Second)
			v.each((*link).Restore)
		}()
		starts := v.saturate(t, 5, begin.Add(75*time.Second))
		if n := between(starts, all.Add(2*time.Second), all.Add(12*time.Second)); n > 400+10 {
			t.Errorf("%d calls started in 10 s without Redis, at 40 a second", n)
		}
	})
}

// TestWithoutRedisUntilItIsSteady: a Redis that answers only for a second at a time does not count as back.
func TestWithoutRedisUntilItIsSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newLinkedFleet(t, 2, limiter.SingleBucket("global", limiter.PerSecond(34, 4)))
		defer v.close(t)
		time.Sleep(15 * time.Second)
		v.each((*link).Cut)
		begin := time.Now()
		go func() {
			for range 8 {
				time.Sleep(1500 * time.Millisecond)
				v.each((*link).Restore)
				time.Sleep(time.Second)
				for _, l := range v.fleet {
					if m := l.Health().Mode; m != limiter.Local {
						t.Errorf("the mode is %s although Redis has answered for a second at most", m)
					}
				}
				v.each((*link).Cut)
			}
		}()
		v.saturate(t, 5, begin.Add(20*time.Second))
	})
}

// TestWithoutSharesRedisIsBackAtOnce: for a replica that starts nothing without Redis, Redis is back with the first answer, which the
// replica asks for about every 500 ms. Its callers ask again then, however long they have waited.
func TestWithoutSharesRedisIsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(34, 4)
		cfg.WhenAway = limiter.FailClosed
		v := newLinkedFleet(t, 4, cfg)
		defer v.close(t)
		time.Sleep(15 * time.Second)
		begin := time.Now()
		back := begin.Add(25 * time.Second)
		go func() {
			time.Sleep(5 * time.Second)
			v.each((*link).Cut)
			time.Sleep(time.Until(back))
			v.each((*link).Restore)
			time.Sleep(600 * time.Millisecond)
			for i, l := range v.fleet {
				if m := l.Health().Mode; m != limiter.Connected {
					t.Errorf("the mode of replica %d is %s", i, m)
				}
			}
		}()
		all := v.saturate(t, 5, begin.Add(30*time.Second))
		for i, starts := range all {
			if n := between([][]time.Time{starts}, back, back.Add(1200*time.Millisecond)); n == 0 { // 600 ms, and the turns of the other replicas
				t.Errorf("replica %d started no call within 1.2 s", i)
			}
		}
		if over := excess(all, limiter.PerSecond(34, 4)); over > 34*0.05 {
			t.Errorf("the starts exceed the limit by %.1f", over)
		}
	})
}

// TestSlowRedisComesBack: the client ends requests with their contexts, and Redis becomes slow. The limiter still asks Redis again.
func TestSlowRedisComesBack(t *testing.T) {
	for _, late := range []time.Duration{300 * time.Millisecond, 700 * time.Millisecond, 1200 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			m, _ := limitertest.Redis(t)
			opts := limitertest.Options(m)
			opts.ContextTimeoutEnabled, opts.ReadTimeout, opts.WriteTimeout, opts.MaxRetries = true, 10*time.Second, 10*time.Second, -1
			v := &lateDialer{dial: opts.Dialer}
			opts.Dialer = v.Dial
			cfg := one(40, 40)
			cfg.LocalFor = 30 * time.Second
			l, rdb := member(t, opts, cfg)
			defer closeLimiter(t, l)
			_ = rdb.Ping(t.Context())
			time.Sleep(15 * time.Second)
			v.by.Store(int64(late))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			for err := error(nil); err == nil; err = l.Wait(ctx, "global") {
			}
			if ctx.Err() == nil {
				t.Error("a caller whose deadline has not passed got an error")
			}
			if h := l.Health(); h.Mode != limiter.Connected {
				t.Errorf("after three minutes with a Redis that takes %v, the health is %+v", late, h)
			}
			v.by.Store(0)
		})
	}
}

// TestWhatIsGivenUpIsNoOutage: requests over lost connections fail long after Redis was reached over new ones. Such failures are no sign of
// another outage, however few calls there are. Each row is the time between two calls after the return.
func TestWhatIsGivenUpIsNoOutage(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second, time.Minute} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := one(1000, 1000)
				cfg.WhenAway = limiter.FailClosed
				v := newLinkedFleet(t, 1, cfg)
				defer v.close(t)
				l := v.fleet[0]
				time.Sleep(time.Second)
				v.links[0].Lose()
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Fatal(err)
				}
				v.links[0].Restore()
				back := time.Now()
				for next := back.Add(every); time.Since(back) < 10*time.Second; time.Sleep(50 * time.Millisecond) {
					if m := l.Health().Mode; m != limiter.Connected {
						t.Fatalf("the mode is %s, %v after the return of Redis", m, time.Since(back))
					}
					if !time.Now().Before(next) {
						next = next.Add(every)
						if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
							t.Errorf("a call after the return of Redis: %t, %v", ok, err)
						}
					}
				}
			})
		})
	}
}
