package lua_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// TestOwnTime: each row has the time that passes on Redis' clock between two scripts, and the time that passes on the
// namespace's own clock, in ms.
func TestOwnTime(t *testing.T) {
	const hour = 3_600_000
	type row struct{ passes, want int64 }
	for name, rows := range map[string][]row{
		"a steady clock":                         {{0, 0}, {1, 1}, {5000, 5000}, {hour, hour}},
		"a step back stops it":                   {{-300, 0}, {100, 0}, {199, 0}, {2, 1}, {10, 10}},
		"and is over with a step forward":        {{-300, 0}, {10, 0}, {300, 10}, {10, 10}},
		"and back is over with one":              {{-300, 0}, {10, 0}, {-300, 0}, {590, 0}, {10, 10}},
		"or with an idle time":                   {{-300, 0}, {5000, 4700}},
		"a large step stops it for a second":     {{-hour, 0}, {900, 0}, {100, 0}, {100, 100}, {900, 900}, {1000, 1000}},
		"the rest is owed, up to ten seconds":    {{-hour, 0}, {1000, 0}, {8000, 0}, {3000, 1000}, {3000, 3000}},
		"a step forward pays it":                 {{-3000, 0}, {1000, 0}, {3000, 1000}, {10, 10}, {hour, hour}},
		"before the second is over, too":         {{-1500, 0}, {100, 0}, {1500, 100}, {100, 100}},
		"a short one does not":                   {{-3000, 0}, {1000, 0}, {1000, 1000}, {900, 900}, {2500, 500}},
		"a step forward gives once":              {{60_000, 60_000}, {-60_000, 0}, {1000, 0}, {60_000, 50_000}},
		"steps back add up":                      {{-600, 0}, {-600, 0}, {-600, 0}, {1000, 0}, {900, 900}, {1800, 1000}},
		"small steps stop it while time is owed": {{-hour, 0}, {1000, 0}, {-300, 0}, {10, 0}, {300, 10}, {-300, 0}, {300, 0}, {10, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := begin(t)
			call := lanes(t, rdb, narrow)
			clock := time.Unix(1_800_000_000, 0)
			own := clock.UnixMicro()
			for i, r := range rows {
				clock = clock.Add(time.Duration(r.passes) * time.Millisecond)
				m.SetTime(clock)
				now := int64(0)
				if i%2 == 0 {
					now = call(t.Name(), 1, 0).NowUS
				} else {
					now = heartbeat(t, rdb).NowUS
				}
				if got := now - own; got != r.want*1000 {
					t.Errorf("row %d: %d µs passed on own time, want %d ms", i, got, r.want)
				}
				own = now
				s := lua.ParseState(rdb.HGetAll(t.Context(), lua.Keys("n").State()).Val(), nil, clock)
				if got := s.OwnAt(clock); got.UnixMicro() != own {
					t.Errorf("row %d: OwnAt of the stored state is %v, want %v", i, got, time.UnixMicro(own))
				}
			}
		})
	}
}

// TestOwnTimeOnRedis: the same on a real Redis. The test cannot step the clock of Redis, so it steps the stored record.
func TestOwnTimeOnRedis(t *testing.T) {
	const s = 1_000_000
	rdb := limitertest.Server(t)
	heartbeat(t, rdb)
	state := lua.Keys("n").State()
	for name, c := range map[string]struct {
		passed, shift, still, owed int64 // µs; the record before the script
		own                        int64 // the own time that passes
		want                       [3]int64
	}{
		"a step back":                     {-s / 2, 0, 0, 0, 0, [3]int64{s / 2, s / 2, 0}},
		"a large one":                     {-3 * s, 0, 0, 0, 0, [3]int64{3 * s, s, 2 * s}},
		"a very large one":                {-60 * s, 5 * s, 0, 5 * s, 0, [3]int64{65 * s, s, 10 * s}},
		"own time stands still":           {s / 2, 3 * s, s, 2 * s, 0, [3]int64{5 * s / 2, s / 2, 2 * s}},
		"a step forward":                  {7 * s, 3 * s, s, 2 * s, 4 * s, [3]int64{0, 0, 0}},
		"none":                            {s / 2, 3 * s, 0, 2 * s, s / 2, [3]int64{3 * s, 0, 2 * s}},
		"what was not noted is not taken": {7 * s, 9 * s, 0, 0, 7 * s, [3]int64{9 * s, 0, 0}},
	} {
		for _, script := range []string{"acquire", "configure"} {
			t.Run(name+", "+script, func(t *testing.T) {
				call := lanes(t, rdb, narrow)
				const tolerance = s / 4 // the most that the test itself may take
				was := rdb.Time(t.Context()).Val().UnixMicro() + c.shift - c.passed
				before := strings.Fields(rdb.HGet(t.Context(), state, "time").Val())
				rdb.HSet(t.Context(), state, "time", fmt.Sprintf("4 %s %d %d %d %d", before[1], was, c.shift, c.still, c.owed))
				now := int64(0)
				if script == "acquire" {
					now = call(t.Name(), 1, 0).NowUS
				} else {
					now = heartbeat(t, rdb).NowUS
				}
				if got := now - was; got < c.own || got > c.own+tolerance || c.own == 0 && got > 0 {
					t.Errorf("%d µs passed on own time, want %d", got, c.own)
				}
				var grants, at int64
				var got [3]int64
				text := rdb.HGet(t.Context(), state, "time").Val()
				if _, err := fmt.Sscanf(text, "4 %d %d %d %d %d", &grants, &at, &got[0], &got[1], &got[2]); err != nil || at != now {
					t.Fatalf("record %q, %v, want the time %d", text, err, now)
				}
				for i, want := range c.want {
					if got[i] > want || got[i] < max(0, want-tolerance) {
						t.Errorf("record %q: number %d is %d, want %d", text, i, got[i], want)
					}
				}
			})
		}
	}
}
