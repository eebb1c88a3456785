package limiter_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestUnusedReservationsGoToOtherReplicas: a reservation without a caller in its replica keeps its due time and serves the
// next call of another replica. It does not serve two calls.
func TestUnusedReservationsGoToOtherReplicas(t *testing.T) {
	for name, giveUp := range map[string]func(t *testing.T, l *limiter.Limiter, rs []*limiter.Reservation){
		"cancelled": func(_ *testing.T, _ *limiter.Limiter, rs []*limiter.Reservation) {
			for _, r := range rs {
				r.Cancel()
			}
		},
		"and closed": func(t *testing.T, l *limiter.Limiter, rs []*limiter.Reservation) {
			for _, r := range rs {
				r.Cancel()
			}
			closeLimiter(t, l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				gives, _ := member(t, limitertest.Options(m), one(10, 1))
				defer closeLimiter(t, gives)
				takes, _ := member(t, limitertest.Options(m), one(10, 1))
				defer closeLimiter(t, takes)
				time.Sleep(time.Minute)
				begin := time.Now()
				startOf(t, gives, "global", begin)
				rs, _, err := gives.ReserveBatch(t.Context(), "global", limiter.Run{N: 10}) // due at 100 and 200 ms
				if err != nil || len(rs) != 2 {
					t.Fatalf("%d reservations, %v", len(rs), err)
				}
				giveUp(t, gives, rs)
				synctest.Wait()
				for i, want := range []time.Duration{100, 200, 300, 400} {
					if got := startOf(t, takes, "global", begin); got != want*time.Millisecond {
						t.Errorf("call %d of another replica started at %v, want %v", i, got, want*time.Millisecond)
					}
				}
				for _, r := range rs {
					if r.Use("global") {
						t.Error("Use accepted a returned reservation")
					}
				}
			})
		})
	}
}

// TestWhatIsGivenBackTooLateIsLost: a reservation that is returned after its due time serves no call.
func TestWhatIsGivenBackTooLateIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		gives, _ := member(t, limitertest.Options(m), one(10, 1))
		defer closeLimiter(t, gives)
		takes, _ := member(t, limitertest.Options(m), one(10, 1))
		defer closeLimiter(t, takes)
		time.Sleep(time.Minute)
		begin := time.Now()
		r, err := gives.Reserve(t.Context(), "global") // due at once
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Millisecond)
		r.Cancel()
		if got := startOf(t, takes, "global", begin); got != 100*time.Millisecond {
			t.Errorf("the next call started at %v, on a reservation of the past", got)
		}
	})
}

// FuzzReserveCancel takes three replicas through any order of reservations, uses, cancellations, ended waits, losses of
// Redis' data and idle times. The calls that start keep the law, and no reservation that is returned in time is lost: the
// call of the next replica that asks starts no later than the earliest returned reservation. (Lanes in line do not ask.)
func FuzzReserveCancel(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 3, 4, 0, 0, 5, 1, 1, 2, 2})
	f.Add([]byte{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 16, 5, 11, 17})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 36, 0, 1, 2, 30, 31, 32, 0, 1, 2})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 60 {
			steps = steps[:60]
		}
		synctest.Test(t, func(t *testing.T) { interleave(t, steps) })
	})
}

func interleave(t *testing.T, steps []byte) {
	m, _ := limitertest.Redis(t)
	limit := limiter.PerSecond(40, 4)
	var fleet [4]*limiter.Limiter // the last one only asks at the end
	for i := range fleet {
		rdb := redis.NewClient(limitertest.Options(m))
		defer rdb.Close()
		var err error
		if fleet[i], err = limiter.New(t.Context(), rdb, one(40, 4)); err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, fleet[i])
	}
	time.Sleep(time.Minute)
	var held []*limiter.Reservation
	var starts []time.Time
	for _, b := range steps {
		l := fleet[b%3]
		switch b / 3 % 6 {
		case 0:
			if rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1 + int(b)%4}); err == nil {
				held = append(held, rs...)
			}
		case 1:
			if ok, err := l.Allow(t.Context(), "global"); ok && err == nil {
				starts = append(starts, time.Now())
			}
		case 2, 3: // use or return one reservation, the first or the last
			if len(held) == 0 {
				continue
			}
			i := int(b/18) % 2 * (len(held) - 1)
			r := held[i]
			held = append(held[:i:i], held[i+1:]...)
			if b/3%6 == 2 {
				r.Cancel()
			} else if r.Use("global") {
				starts = append(starts, time.Now())
			}
		case 4:
			time.Sleep(time.Duration(b) * time.Millisecond / 2)
		case 5:
			if b > 200 {
				m.FlushAll()
			}
		}
		synctest.Wait()
	}
	// Return all remaining reservations that can still serve a call: the next call gets the earliest.
	earliest := time.Time{}
	for _, r := range held {
		if r.Delay() > 20*time.Millisecond && (earliest.IsZero() || r.Due().Before(earliest)) {
			earliest = r.Due()
		}
		r.Cancel()
	}
	synctest.Wait()
	for i := range fleet {
		l := fleet[len(fleet)-1-i]
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		starts = append(starts, now)
		if !earliest.IsZero() && now.After(earliest.Add(time.Millisecond)) {
			t.Fatalf("the next call started %v after the earliest returned reservation was due", now.Sub(earliest))
		}
		earliest = time.Time{}
	}
	if err := limitertest.Law(starts, limit, limiter.DefaultSlack); err != nil {
		t.Fatal(fmt.Errorf("%v: %w", steps, err))
	}
}

// TestWhoClosesGivesBack: a replica that closes returns the reservations of its waiters, and they serve other replicas.
func TestWhoClosesGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		gives, _ := member(t, limitertest.Options(m), one(10, 1))
		takes, _ := member(t, limitertest.Options(m), one(10, 1))
		defer closeLimiter(t, takes)
		time.Sleep(time.Minute)
		begin := time.Now()
		startOf(t, gives, "global", begin)
		for range 2 { // due at 100 and 200 ms
			go func() { _ = gives.Wait(t.Context(), "global") }()
		}
		synctest.Wait()
		closeLimiter(t, gives)
		for _, want := range []time.Duration{100, 200, 300} {
			if got := startOf(t, takes, "global", begin); got != want*time.Millisecond {
				t.Errorf("another replica's call started at %v, want %v", got, want*time.Millisecond)
			}
		}
	})
}

// TestWindowThatLostItsLogStaysShut: if Redis evicts the log of a window, a key with a TTL, the window admits no call for
// its length.
func TestWindowThatLostItsLogStaysShut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		limit := limiter.PerWindow(5, 10*time.Second)
		l, _ := member(t, limitertest.Options(m), config(map[string][]limiter.Limit{"global": {limit}}, nil))
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		var starts []time.Time
		for i := range 15 {
			if i == 5 && rdb.Del(t.Context(), "{weir}:log:window:10000000:global").Val() != 1 {
				t.Fatal("the window has no log: the test tested nothing")
			}
			startOf(t, l, "global", time.Now())
			starts = append(starts, time.Now())
		}
		if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
			t.Error(err)
		}
	})
}
