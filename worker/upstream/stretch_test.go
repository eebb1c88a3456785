package upstream_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

// TestStretchesOnTheWire: each fault has its provider's form, and only within its stretch.
func TestStretchesOnTheWire(t *testing.T) {
	second := time.Second
	for _, tc := range []struct {
		api    upstream.API
		fault  upstream.Fault
		status int
		inside int // Last.fm's error
		after  string
	}{
		{upstream.Anthropic, upstream.Overloaded, 529, 0, ""},
		{upstream.Anthropic, upstream.Unavailable, 503, 0, ""},
		{upstream.Spotify, upstream.Unavailable, 503, 0, ""},
		{upstream.Spotify, upstream.Refused, 429, 0, "10"},
		{upstream.LastFM, upstream.Refused, 429, 29, "10"},
		{upstream.LastFM, upstream.Error29, 200, 29, ""},
		{upstream.LastFM, upstream.Unavailable, 200, 16, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := roomy()
			cfg.Stretches = []upstream.Stretch{{API: tc.api, From: 5 * second, To: 15 * second, Fault: tc.fault, Share: 1}}
			sim := server(t, cfg)
			for at, in := range []bool{false, true, true, false} {
				res := one[tc.api](t, sim)
				var body struct{ Error json.RawMessage }
				if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil {
					t.Fatal(err)
				}
				if !in && (res.Code != 200 || body.Error != nil) {
					t.Errorf("%s, %s, at %d s: status %d, body %s, want no fault outside the stretch", tc.api, tc.fault, 5*at, res.Code, res.Body)
				}
				after := tc.after
				if after != "" && at == 2 {
					after = "5"
				}
				if in && (res.Code != tc.status || res.Header().Get("Retry-After") != after) {
					t.Errorf("%s, %s, at %d s: %d, Retry-After %q, want %d, %q", tc.api, tc.fault, 5*at, res.Code, res.Header().Get("Retry-After"), tc.status, after)
				}
				if in && tc.inside != 0 && string(body.Error) != map[int]string{16: "16", 29: "29"}[tc.inside] {
					t.Errorf("%s, %s: error %s inside, want %d", tc.api, tc.fault, body.Error, tc.inside)
				}
				time.Sleep(5 * second)
			}
			for _, other := range []upstream.API{upstream.Anthropic, upstream.Spotify, upstream.LastFM} {
				if other != tc.api && one[other](t, sim).Code != 200 {
					t.Errorf("%s fails because of %s", other, tc.api)
				}
			}
		})
	}
}

// TestStrangersInStats: strangers are counted from the last reset on, apart from all arrivals.
func TestStrangersInStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := server(t, upstream.Config{
			Total: upstream.Limit{Rate: 1, Burst: 5}, Strangers: []upstream.Strangers{{API: upstream.Spotify, Rate: 2}},
		})
		time.Sleep(9*time.Second - 1) // 18 calls, 13 tokens
		if res := one[upstream.LastFM](t, sim); res.Code != 429 {
			t.Errorf("status %d, want 429, because strangers have taken all tokens", res.Code)
		}
		got := sim.Stats()
		if got.Total != 1 || got.Strangers["spotify"] != 18 || got.StrangersRefused["spotify"] != 5 || got.Strangers["lastfm"] != 0 {
			t.Errorf("stats %+v, want 1 call, and 18 calls of strangers of which 5 are refused", got)
		}
		sim.Reset()
		time.Sleep(time.Second)
		want := map[upstream.API]int64{upstream.Anthropic: 0, upstream.Spotify: 2, upstream.LastFM: 0}
		if diff := cmp.Diff(want, sim.Stats().Strangers); diff != "" {
			t.Errorf("strangers after a reset (-want +got):\n%s", diff)
		}
	})
}

// TestStatsOfWindows: a provider without a bucket has a budget and a worst second as well.
func TestStatsOfWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := server(t, upstream.Config{Total: fixedWindow(10)})
		time.Sleep(900 * ms)
		for range 12 {
			one[upstream.LastFM](t, sim)
		}
		time.Sleep(100 * ms)
		for range 10 {
			one[upstream.LastFM](t, sim)
		}
		got := sim.Stats()
		if got.Allowed1s != 20 || got.Worst1s != 22 || got.Refused != 2 || got.BudgetUsed != 20/(10*1.1) {
			t.Errorf("stats %+v, want 20 allowed in a second, 22 in the worst second, 2 refused", got)
		}
	})
}
