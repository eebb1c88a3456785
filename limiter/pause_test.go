package limiter_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestPauseEndsWithAnEmptyBucket: after a pause the waiting calls start at the rate, not all at once.
func TestPauseEndsWithAnEmptyBucket(t *testing.T) {
	for name, c := range map[string]struct {
		limit             limiter.Limit
		replicas, waiters int           // waiters of each
		pause             time.Duration // the length of the pause
		resumed           bool          // Resume ends the pause; otherwise it ends by itself
	}{
		"40 a second":                        {limiter.PerSecond(40, 40), 4, 10, 3 * time.Second, false},
		"40 a second, resumed":               {limiter.PerSecond(40, 40), 4, 10, 3 * time.Second, true},
		"10 a second, burst 100":             {limiter.PerSecond(10, 100), 2, 10, 3 * time.Second, false},
		"10 a second, burst 100, resumed":    {limiter.PerSecond(10, 100), 2, 10, 3 * time.Second, true},
		"5 a second, 20 s":                   {limiter.PerSecond(5, 20), 2, 5, 20 * time.Second, false},
		"5 a second, 20 s, resumed":          {limiter.PerSecond(5, 20), 2, 5, 20 * time.Second, true},
		"100 a second, half a second":        {limiter.PerSecond(100, 50), 2, 20, 500 * time.Millisecond, false},
		"100 a second, resumed in a moment":  {limiter.PerSecond(100, 50), 2, 20, 10 * time.Millisecond, true},
		"40 a second, a burst of 1, resumed": {limiter.PerSecond(40, 1), 2, 10, 3 * time.Second, true},
	} {
		for _, busy := range []bool{false, true} {
			as := ", waiting since the pause began"
			if busy {
				as = ", waiting before"
			}
			t.Run(name+as, func(t *testing.T) {
				onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
					ctx, cancel := context.WithCancel(t.Context())
					j := &journal{}
					var running sync.WaitGroup
					waiters := func() {
						for _, l := range fleet {
							for range c.waiters {
								running.Go(func() {
									for ctx.Err() == nil {
										_ = j.wait(ctx, l, 1)
									}
								})
							}
						}
					}
					if busy {
						waiters()
						time.Sleep(time.Second)
					}
					d := c.pause
					if c.resumed {
						d = limiter.UntilResumed
					}
					if err := fleet[0].Pause(t.Context(), "global", d); err != nil {
						t.Fatal(err)
					}
					if !busy {
						waiters()
					}
					time.Sleep(c.pause)
					if c.resumed {
						if err := fleet[len(fleet)-1].Resume(t.Context(), "global"); err != nil {
							t.Fatal(err)
						}
					}
					end := time.Now()
					time.Sleep(2 * time.Second)
					cancel()
					running.Wait()
					starts := j.since(end)
					if len(starts) == 0 {
						t.Fatal("no call started within 2 s")
					}
					// Reservations from before a short pause may be due after it.
					held := 0
					if c.pause < limiter.DefaultHorizon {
						held = int(c.limit.Rate() * limiter.DefaultHorizon.Seconds())
					}
					count := map[time.Duration]int{}
					for i, s := range starts {
						at := s.at.Sub(end)
						if most := 1 + held + int(c.limit.Rate()*(at+time.Millisecond).Seconds()); i+1 > most {
							t.Fatalf("%d calls started within %v of the end of the pause, want %d at most", i+1, at, most)
						}
						for _, by := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond} {
							if at <= by {
								count[by]++
							}
						}
					}
					t.Logf("first after %v, within 100 ms %d, within 500 ms %d, in all %d", starts[0].at.Sub(end), count[100*time.Millisecond], count[500*time.Millisecond], len(starts))
					j.law(t, c.limit, time.Millisecond)
				}, c.replicas)
			})
		}
	}
}

// TestPauseNeverShortensAnother: the bucket opens at the end of the longest of several pauses, in whatever order they came. Resume opens
// it at once, and only Resume ends an endless pause.
func TestPauseNeverShortensAnother(t *testing.T) {
	const never = limiter.UntilResumed
	for name, c := range map[string]struct {
		pauses []time.Duration // 100 ms apart
		opens  time.Duration   // since the first pause; UntilResumed for never
	}{
		"longer, shorter":           {[]time.Duration{3 * time.Second, time.Second / 2}, 3 * time.Second},
		"shorter, longer":           {[]time.Duration{time.Second / 2, 3 * time.Second}, 3100 * time.Millisecond},
		"many":                      {[]time.Duration{time.Second, 2 * time.Second, 1500 * time.Millisecond, time.Microsecond}, 2100 * time.Millisecond},
		"endless, shorter":          {[]time.Duration{never, time.Second}, never},
		"shorter, endless":          {[]time.Duration{time.Second, never}, never},
		"an hour, a second":         {[]time.Duration{time.Hour, time.Second}, time.Hour},
		"longer than counts, short": {[]time.Duration{never - 1, time.Second}, never},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}}, nil), func(t *testing.T, l *limiter.Limiter) {
				time.Sleep(time.Minute)
				begin := time.Now()
				for _, d := range c.pauses {
					if err := l.Pause(t.Context(), "global", d); err != nil {
						t.Fatal(err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				switch c.opens {
				case never:
					soon, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
					defer cancel()
					if err := l.Wait(soon, "global"); err == nil {
						t.Error("an endless pause ended")
					}
					begin = time.Now()
					if err := l.Resume(t.Context(), "global"); err != nil {
						t.Fatal(err)
					}
				case time.Hour:
					time.Sleep(59 * time.Minute)
				}
				want := c.opens + 25*time.Millisecond // the bucket is empty then
				if c.opens == never {
					want = 25 * time.Millisecond
				}
				if took := startOf(t, l, "global", begin); took < want || took > want+10*time.Millisecond {
					t.Errorf("the first call started after %v, want %v", took, want)
				}
			})
		})
	}
}
