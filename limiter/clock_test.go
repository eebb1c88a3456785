package limiter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
)

// TestClockMapsByTheSmallestOffset: each row is a reply: the local times of the request and of the reply, the time of the store,
// whose clock is an hour ahead, and the local time to which a time of the store is mapped then. Times are in milliseconds.
func TestClockMapsByTheSmallestOffset(t *testing.T) {
	const hour = 3_600_000
	type row struct{ sent, received, shows, want int64 }
	for name, c := range map[string]struct {
		rows []row
		lead int64 // after the last row
	}{
		"a reply is mapped to when it was received at the latest": {[]row{{0, 10, hour + 5, 5}}, 0},
		"the jitter of later replies drops out":                   {[]row{{0, 2, hour + 1, 1}, {100, 140, hour + 101, 1}, {200, 260, hour + 250, 1}}, 38},
		"a faster reply is nearer to the truth":                   {[]row{{0, 40, hour + 1, 39}, {100, 102, hour + 101, 1}}, 38},
		"a store that stepped back is believed at once":           {[]row{{0, 2, hour + 1, 1}, {100, 102, 101, hour + 1}}, 0},
		"a store that stood still as well":                        {[]row{{0, 2, hour + 1, 1}, {100, 102, hour + 1, 101}, {104, 106, hour + 5, 101}}, 0},
		"a store that stepped ahead too":                          {[]row{{0, 2, hour + 1, 1}, {100, 102, 2*hour + 101, 1 - hour}}, 250},
		"what is older than two windows says nothing":             {[]row{{0, 400, hour + 1, 399}, {5000, 5002, hour + 5001, 1}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zero := time.Now()
				k := limiter.NewClock()
				for i, r := range c.rows {
					received := zero.Add(time.Duration(r.received) * time.Millisecond)
					time.Sleep(time.Until(received))
					k.Observe(r.shows*1000, zero.Add(time.Duration(r.sent)*time.Millisecond), received)
					// The moment of "an hour" on the first store's clock.
					got := k.Local(hour*1000, received).Sub(zero)
					if want := time.Duration(r.want) * time.Millisecond; got != want {
						t.Errorf("row %d: mapped to %v, want %v", i, got, want)
					}
				}
				if got, want := k.Lead(50*time.Millisecond, 250*time.Millisecond), time.Duration(c.lead)*time.Millisecond; got != want {
					t.Errorf("the lead is %v, want %v", got, want)
				}
			})
		})
	}
}

// TestClockCountsFromTheQuestion: a reservation is due some time after the store's reply. However the store's clock runs, stops or
// jumps, and however long replies take, the local due time is at least that long after the request, and at most that long after
// the reply.
func TestClockCountsFromTheQuestion(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		zero := time.Now()
		k := limiter.NewClock()
		at, shows := time.Duration(0), int64(1_800_000_000_000_000)
		runs := func(d time.Duration) { // lets local time pass
			at += d
			if rapid.IntRange(0, 2).Draw(r, "stands") > 0 {
				shows += d.Microseconds()
			}
			if rapid.IntRange(0, 9).Draw(r, "jumps") == 0 {
				shows += 300_000
			}
		}
		ms := func(label string) time.Duration {
			return time.Duration(rapid.IntRange(0, 60).Draw(r, label)) * time.Millisecond
		}
		for range rapid.IntRange(1, 100).Draw(r, "replies") {
			runs(10 * ms("idle"))
			sent := at
			runs(ms("there"))
			now := shows
			runs(ms("back"))
			k.Observe(now, zero.Add(sent), zero.Add(at))
			left := time.Duration(rapid.Int64Range(0, 250_000).Draw(r, "left")) * time.Microsecond
			due := k.Local(now+left.Microseconds(), zero.Add(at)).Sub(zero)
			if due < sent+left || due > at+left {
				r.Fatalf("the local due time is %v; the request was at %v, the reply at %v with %v left", due, sent, at, left)
			}
		}
	})
}
