package upstream_test

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/upstream"
)

const ms = time.Millisecond

// arrival is a row of a timeline: n arrivals of an API at a time, and the wait that the judge names to all of them.
type arrival struct {
	at   time.Duration
	api  upstream.API
	n    int
	wait time.Duration
}

func TestJudgeTimelines(t *testing.T) {
	const a, s, l = upstream.Anthropic, upstream.Spotify, upstream.LastFM
	year := 365 * 24 * time.Hour
	for _, tc := range []struct {
		name string
		cfg  upstream.Config
		rows []arrival
	}{
		{"burst and slack at once, then one each 25 ms", upstream.Default(), []arrival{
			{0, a, 20, 0},
			{0, s, 22, 0},
			{0, l, 1, 25 * ms},
			{25*ms - 1, a, 1, 1},
			{25 * ms, a, 1, 0},
			{25 * ms, a, 1, 25 * ms},
			{100 * ms, s, 3, 0},
			{100 * ms, s, 1, 25 * ms},
		}},
		{"strict: the burst and no more", upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 40}}, []arrival{
			{0, a, 40, 0},
			{0, a, 1, 25 * ms},
			{25 * ms, a, 1, 0},
			{25 * ms, a, 1, 25 * ms},
		}},
		{"refused arrivals are not charged", upstream.Default(), []arrival{
			{0, a, 42, 0},
			{1 * ms, a, 500, 24 * ms},
			{25 * ms, a, 1, 0},
		}},
		{"idle time fills the bucket to the brim and no higher", upstream.Default(), []arrival{
			{0, a, 42, 0},
			{year, a, 42, 0},
			{year, a, 1, 25 * ms},
		}},
		{"a rate whose period is no whole number of nanoseconds does not drift", upstream.Config{Total: upstream.Limit{Rate: 3, Burst: 2}}, []arrival{
			{0, a, 2, 0},
			{333_333_333, a, 1, 1},
			{333_333_334, a, 1, 0},
			{666_666_666, a, 1, 1},
			{666_666_667, a, 1, 0},
			{1_000_000_000 - 1, a, 1, 1},
			{1_000_000_000, a, 1, 0},
		}},
		{"slow and fast ends of the rate", upstream.Config{
			Total:  upstream.Limit{Rate: 1_000_000, Burst: 1_000_000},
			PerAPI: map[upstream.API]upstream.Limit{s: {Rate: 0.001, Burst: 1}},
			Slack:  5 * time.Second,
		}, []arrival{
			{0, s, 1, 0},
			{0, s, 1, 995 * time.Second}, // the slack is 0.005 of a token and stays in the bucket
			{995*time.Second - 1, s, 1, 1},
			{995 * time.Second, s, 1, 0},
			{995*time.Second + 9_223_372_037, a, 1000, 0}, // the rate makes more units in this time than fit 63 bits
		}},
		{"time does not go back", upstream.Default(), []arrival{
			{time.Second, a, 42, 0},
			{time.Second - 100*ms, a, 1, 25 * ms},
			{time.Second + 25*ms, a, 1, 0},
		}},
		{"window", upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 1000, Window: upstream.Window{N: 3, Per: time.Second}}}, []arrival{
			{0, a, 1, 0},
			{400 * ms, s, 1, 0},
			{500 * ms, l, 1, 0},
			{600 * ms, a, 1, 400 * ms},
			{time.Second - 1, a, 1, 1},
			{time.Second, a, 1, 0},
			{time.Second, a, 1, 400 * ms},
			{1400 * ms, a, 1, 0},
			{1500 * ms, a, 1, 0},
			{1500 * ms, a, 1, 500 * ms},
		}},
		{"a window is shorter by the slack", upstream.Config{
			Total: upstream.Limit{Rate: 1000, Burst: 1000, Window: upstream.Window{N: 1, Per: time.Second}}, Slack: 50 * ms,
		}, []arrival{
			{0, a, 1, 0},
			{950*ms - 1, a, 1, 1},
			{950 * ms, a, 1, 0},
		}},
		{"a call that one limit refuses is charged to no limit", upstream.Config{
			Total:  upstream.Limit{Rate: 10, Burst: 4},
			PerAPI: map[upstream.API]upstream.Limit{s: {Rate: 1, Burst: 1}, l: {Window: upstream.Window{N: 1, Per: time.Second}}},
		}, []arrival{
			{0, s, 1, 0},
			{0, s, 10, time.Second},
			{0, l, 1, 0},
			{0, l, 10, time.Second},
			{0, a, 2, 0},        // the refused calls left two tokens in the shared bucket
			{0, a, 1, 100 * ms}, // now it has none
			{0, s, 1, time.Second},
			{time.Second, a, 4, 0},
			{time.Second, s, 1, 100 * ms}, // the shared bucket refuses the call,
			{1100 * ms, s, 1, 0},          // and Spotify's own token was not taken
			{1100 * ms, l, 1, 100 * ms},
			{1200 * ms, l, 1, 0},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j, err := upstream.NewJudge(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range tc.rows {
				for i := range row.n {
					if got := j.Arrive(row.api, row.at, upstream.Call{}).RetryAfter; got != row.wait {
						t.Fatalf("at %v, %s no. %d of %d: wait %v, want %v", row.at, row.api, i+1, row.n, got, row.wait)
					}
				}
			}
		})
	}
}

// law is one limit as the promise defines it, not as the judge computes it.
type law struct {
	limit upstream.Limit
	slack time.Duration
	of    map[upstream.API]bool
}

// broken reports whether accepting one more at now breaks the limit in any window that ends there. For the bucket that
// is n > burst + rate·(T + slack), in thousandths of a token and in nanoseconds, and for the window n > N within any
// span shorter than Per − slack.
func (w law) broken(accepted []upstream.Arrival, now time.Duration) bool {
	n := int64(1)
	check := func(span time.Duration) bool {
		if w.limit.Rate != 0 {
			most := new(big.Int).Mul(big.NewInt(int64(w.limit.Rate*1000+0.5)), big.NewInt(int64(span+w.slack)))
			most.Add(most, new(big.Int).Mul(big.NewInt(w.limit.Burst), big.NewInt(1e12)))
			if new(big.Int).Mul(big.NewInt(n), big.NewInt(1e12)).Cmp(most) > 0 {
				return true
			}
		}
		return w.limit.Window.N != 0 && span < w.limit.Window.Per-w.slack && n > int64(w.limit.Window.N)
	}
	if check(0) {
		return true
	}
	for _, before := range slices.Backward(accepted) {
		if w.of[before.API] {
			n++
			if check(now - before.At) {
				return true
			}
		}
	}
	return false
}

// lawsOf returns the limits of a configuration that apply to an API.
func lawsOf(cfg upstream.Config, api upstream.API) []law {
	return []law{
		{cfg.Total, cfg.Slack, map[upstream.API]bool{upstream.Anthropic: true, upstream.Spotify: true, upstream.LastFM: true}},
		{cfg.PerAPI[api], cfg.Slack, map[upstream.API]bool{api: true}},
	}
}

func anyBroken(cfg upstream.Config, api upstream.API, accepted []upstream.Arrival, now time.Duration) bool {
	for _, w := range lawsOf(cfg, api) {
		if w.broken(accepted, now) {
			return true
		}
	}
	return false
}

func drawLimit(t *rapid.T, name string, slack time.Duration, required bool) (l upstream.Limit) {
	if required || rapid.Bool().Draw(t, name+" has a bucket") {
		l.Rate = float64(rapid.Int64Range(1, 200_000).Draw(t, name+" rate in thousandths")) / 1000
		l.Burst = rapid.Int64Range(1, 12).Draw(t, name+" burst")
	}
	if rapid.Bool().Draw(t, name+" has a window") {
		l.Window.N = rapid.IntRange(1, 12).Draw(t, name+" window count")
		l.Window.Per = slack + time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, name+" window length"))
	}
	return l
}

// TestJudgeKeepsTheLaw compares every verdict with the window law, counted again over all windows. An accepted call
// breaks no limit in any window, a refused call would have, and the wait is exactly the time until it would not.
func TestJudgeKeepsTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slack := time.Duration(rapid.Int64Range(0, int64(100*ms)).Draw(t, "slack"))
		cfg := upstream.Config{Slack: slack, Total: drawLimit(t, "total", slack, true), PerAPI: map[upstream.API]upstream.Limit{}}
		apis := []upstream.API{upstream.Anthropic, upstream.Spotify, upstream.LastFM}
		for _, api := range apis[1:] {
			cfg.PerAPI[api] = drawLimit(t, string(api), slack, false)
		}
		j, err := upstream.NewJudge(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var (
			now      time.Duration
			last     time.Duration // wait of the arrival before
			accepted []upstream.Arrival
		)
		for range rapid.IntRange(30, 120).Draw(t, "arrivals") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // at the same time
			case 1:
				now += time.Duration(rapid.Int64Range(0, int64(30*ms)).Draw(t, "gap"))
			case 2:
				now += time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "gap"))
			case 3: // at the end of its wait, or just before
				now += max(0, last-time.Duration(rapid.Int64Range(0, 1).Draw(t, "early")))
			}
			api := rapid.SampledFrom(apis).Draw(t, "api")
			wait := j.Arrive(api, now, upstream.Call{}).RetryAfter
			if broken := anyBroken(cfg, api, accepted, now); broken != (wait > 0) {
				t.Fatalf("%s at %v: wait %v, but accepting it breaks a limit: %t", api, now, wait, broken)
			}
			if wait == 0 {
				accepted = append(accepted, upstream.Arrival{At: now, API: api})
			} else {
				if anyBroken(cfg, api, accepted, now+wait) {
					t.Fatalf("%s at %v: a wait of %v, which is too short", api, now, wait)
				}
				if !anyBroken(cfg, api, accepted, now+wait-1) {
					t.Fatalf("%s at %v: a wait of %v, which is longer than necessary", api, now, wait)
				}
			}
			last = wait
		}
	})
}
