package upstream_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

func server(t *testing.T, cfg upstream.Config) *upstream.Server {
	t.Helper()
	s, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roomy is a provider that refuses nothing a test sends and answers at once.
func roomy() upstream.Config { return upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 100_000}} }

// ask sends one request without a network, in the goroutine of the test, and decodes a JSON answer into v unless v is
// nil. Headers are given as "Name: value".
func ask(t *testing.T, h http.Handler, method, target, body string, v any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return askContext(t.Context(), t, h, method, target, body, v, headers...)
}

func askContext(ctx context.Context, t *testing.T, h http.Handler, method, target, body string, v any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			t.Fatalf("%s %s answered %q: %v", method, target, w.Body, err)
		}
	}
	return w
}

// one is a good request of each API.
var one = map[upstream.API]func(*testing.T, http.Handler) *httptest.ResponseRecorder{
	upstream.Anthropic: func(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
		return ask(t, h, "POST", "/v1/messages", `{"model":"claude-haiku-5-5","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`, nil,
			"X-Api-Key: k", "Anthropic-Version: 2023-06-01")
	},
	upstream.Spotify: func(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
		return ask(t, h, "GET", "/v1/search?q=x&type=track", "", nil, "Authorization: Bearer t")
	},
	upstream.LastFM: func(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
		return ask(t, h, "GET", "/2.0/?method=artist.getInfo&artist=A&api_key=k&format=json", "", nil)
	},
}

// TestStats walks a server through a known course in fake time.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := upstream.Default()
		cfg.Latency = upstream.Latency{}
		s := server(t, cfg)
		time.Sleep(time.Hour) // the first arrival is the origin, not the start
		for range 30 {
			one[upstream.Anthropic](t, s)
		}
		for range 20 { // 12 of them within the budget
			one[upstream.Spotify](t, s)
		}
		time.Sleep(250 * ms)
		for range 10 {
			one[upstream.LastFM](t, s)
		}
		time.Sleep(750 * ms) // to the end of the half-open second
		one[upstream.LastFM](t, s)

		var got upstream.Stats
		if res := ask(t, s, "GET", "/stats", "", &got); res.Code != 200 {
			t.Fatalf("GET /stats: status %d, want 200", res.Code)
		}
		want := upstream.Stats{
			Rate: 40, Burst: 40, SlackMS: 50, Allowed1s: 82, Worst1s: 60,
			Arrivals: map[upstream.API]int64{upstream.Anthropic: 30, upstream.Spotify: 20, upstream.LastFM: 11},
			HTTP429:  map[upstream.API]int64{upstream.Anthropic: 0, upstream.Spotify: 8, upstream.LastFM: 0},
			Total:    61, Refused: 8, BudgetUsed: 53. / 80, Seconds: 1,
			Per100ms: []int64{50, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if got := s.Arrivals(); len(got) != 61 || got[41].Refused || !got[42].Refused || got[42].At != time.Hour || got[42].API != upstream.Spotify {
			t.Errorf("arrivals 41 and 42 of %d: %v", len(got), got[41:43])
		}

		if res := ask(t, s, "POST", "/stats/reset", "", nil); res.Code != http.StatusNoContent {
			t.Errorf("reset: status %d, want 204", res.Code)
		}
		var keys map[string]any
		ask(t, s, "GET", "/stats", "", &keys)
		none := map[string]any{"anthropic": 0., "spotify": 0., "lastfm": 0.}
		if diff := cmp.Diff(map[string]any{
			"rate": 40., "burst": 40., "slack_ms": 50., "allowed_1s": 82., "worst_1s": 0., "arrivals": none, "http_429": none,
			"total": 0., "refused": 0., "budget_used": 0., "seconds": 0., "per_100ms": []any{},
		}, keys); diff != "" {
			t.Errorf("stats after a reset (-want +got):\n%s", diff)
		}
	})
}

// TestResetKeepsLevels: a reset of the figures must not fill the bucket.
func TestResetKeepsLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, upstream.Config{Total: upstream.Limit{Rate: 1, Burst: 2}})
		for range 2 {
			one[upstream.LastFM](t, s)
		}
		s.Reset()
		if res := one[upstream.LastFM](t, s); res.Code != 429 {
			t.Errorf("status %d after a reset, want 429", res.Code)
		}
	})
}

func TestAllowed1s(t *testing.T) {
	for _, tc := range []struct {
		cfg  upstream.Config
		want int64
	}{
		{upstream.Default(), 82},
		{upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 40}}, 80},
		{upstream.Config{Total: upstream.Limit{Rate: 0.5, Burst: 1}}, 1},
		{upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 40, Window: upstream.Window{N: 40, Per: time.Second}}}, 40},
		{upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 40, Window: upstream.Window{N: 10, Per: 300 * ms}}}, 40},
		{upstream.Config{Total: upstream.Limit{Rate: 40, Burst: 40, Window: upstream.Window{N: 40, Per: time.Second}}, Slack: 50 * ms}, 80},
	} {
		if got := server(t, tc.cfg).Stats().Allowed1s; got != tc.want {
			t.Errorf("%+v: allowed in a second %d, want %d", tc.cfg, got, tc.want)
		}
	}
}

// TestRefusal: 429 at once, Retry-After in whole seconds rounded up, each provider's own body.
func TestRefusal(t *testing.T) {
	for _, tc := range []struct {
		rate  float64
		after string
	}{{40, "1"}, {1, "1"}, {0.999, "2"}, {0.1, "10"}} {
		synctest.Test(t, func(t *testing.T) {
			cfg := upstream.Config{Total: upstream.Limit{Rate: tc.rate, Burst: 1}, Latency: upstream.Latency{Min: ms, Max: ms}}
			s := server(t, cfg)
			one[upstream.LastFM](t, s)
			for api, send := range one {
				start := time.Now()
				res := send(t, s)
				if res.Code != 429 || res.Header().Get("Retry-After") != tc.after {
					t.Errorf("%s at %v a second: status %d, Retry-After %q, want 429 and %q", api, tc.rate, res.Code, res.Header().Get("Retry-After"), tc.after)
				}
				if d := time.Since(start); d != 0 {
					t.Errorf("%s: a refusal took %v, want 0", api, d)
				}
			}
		})
	}
}

func TestNotAnArrival(t *testing.T) {
	s := server(t, roomy())
	for _, tc := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/", 404},
		{"GET", "/v1/messages", 404},
		{"POST", "/v1/messages/batches", 404},
		{"PATCH", "/v1/playlists/x/tracks", 404},
		{"GET", "/api/token", 404},
		{"DELETE", "/v1/playlists/x/items", 404},
		{"GET", "/2.0/more", 404},
		{"POST", "/stats", 404},
	} {
		var body map[string]string
		if res := ask(t, s, tc.method, tc.target, "", &body); res.Code != tc.status || body["error"] == "" {
			t.Errorf("%s %s: %d %v, want %d and an error", tc.method, tc.target, res.Code, body, tc.status)
		}
	}
	for _, probe := range []string{"/livez", "/readyz"} {
		if res := ask(t, s, "GET", probe, "", nil); res.Code != 200 {
			t.Errorf("%s: status %d, want 200", probe, res.Code)
		}
	}
	ask(t, s, "GET", "/stats", "", nil)
	if n := s.Stats().Total; n != 0 {
		t.Errorf("%d arrivals counted, want none", n)
	}
}

// TestLatency: every wait is in its API's part of the range, the parts are ordered, and a seed repeats its waits.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := func(seed uint64) map[upstream.API][]time.Duration {
			cfg := roomy()
			cfg.Latency, cfg.Seed = upstream.Default().Latency, seed
			s := server(t, cfg)
			out := make(map[upstream.API][]time.Duration)
			for api, send := range one {
				for range 200 {
					start := time.Now()
					send(t, s)
					out[api] = append(out[api], time.Since(start))
				}
			}
			return out
		}
		got := waits(7)
		for api, part := range map[upstream.API][2]time.Duration{
			upstream.LastFM: {50 * ms, 150 * ms}, upstream.Spotify: {125 * ms, 225 * ms}, upstream.Anthropic: {200 * ms, 300 * ms},
		} {
			low, high := slices.Min(got[api]), slices.Max(got[api])
			if low < part[0] || high > part[1] || high-low < 90*ms {
				t.Errorf("%s waits %v to %v, want all of %v to %v", api, low, high, part[0], part[1])
			}
		}
		if diff := cmp.Diff(got, waits(7)); diff != "" {
			t.Errorf("the same seed has other waits (-first +second):\n%s", diff)
		}
		if cmp.Equal(got, waits(8)) {
			t.Error("another seed has the same waits")
		}
	})
}

func TestContextEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := roomy()
		cfg.Latency = upstream.Latency{Min: time.Minute, Max: time.Minute}
		s := server(t, cfg)
		ctx, cancel := context.WithTimeout(t.Context(), 10*ms)
		defer cancel()
		start := time.Now()
		res := askContext(ctx, t, s, "GET", "/v1/search?q=x&type=track", "", nil, "Authorization: Bearer t")
		if d := time.Since(start); d != 10*ms {
			t.Errorf("came back after %v, want 10ms", d)
		}
		if res.Code != 503 {
			t.Errorf("status %d, want 503 rather than an empty 200", res.Code)
		}
	})
}

// TestHangUpEndsTheWait: net/http notices that a client hangs up only after the body was read.
func TestHangUpEndsTheWait(t *testing.T) {
	cfg := roomy()
	cfg.Latency = upstream.Latency{Min: time.Minute, Max: time.Minute}
	cfg.Failures = 1 // an injected error does not need the body
	s := server(t, cfg)
	in := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(in)
		s.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", srv.URL+"/v1/messages", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-in
		cancel()
	}()
	if res, err := srv.Client().Do(req); err == nil {
		_ = res.Body.Close()
		t.Errorf("a client that hung up got status %d", res.StatusCode)
	}
	start := time.Now()
	srv.Close() // waits for the handler
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("the handler went on for %v", d)
	}
}

// TestTrouble: the shares of injected errors, their form at each provider, and their dependence on the seed.
func TestTrouble(t *testing.T) {
	const n = 500
	run := func(seed uint64) map[upstream.API]map[int]int {
		cfg := roomy()
		cfg.Failures, cfg.Overloaded, cfg.Seed = 0.2, 0.1, seed
		s := server(t, cfg)
		out := make(map[upstream.API]map[int]int)
		for api, send := range one {
			out[api] = make(map[int]int)
			for range n {
				status := send(t, s).Code
				out[api][status]++
			}
		}
		return out
	}
	got := run(3)
	for api, want := range map[upstream.API]map[int]float64{
		upstream.Anthropic: {200: 0.7, 500: 0.1, 503: 0.1, 529: 0.1},
		upstream.Spotify:   {200: 0.8, 500: 0.1, 503: 0.1},
		upstream.LastFM:    {200: 1}, // its errors are in the body
	} {
		for status, share := range want {
			if is := float64(got[api][status]) / n; is < share-0.05 || is > share+0.05 {
				t.Errorf("%s: share of %d is %.3f, want about %.1f", api, status, is, share)
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got[api]))); diff != "" {
			t.Errorf("%s: statuses (-want +got):\n%s", api, diff)
		}
	}
	if diff := cmp.Diff(got, run(3)); diff != "" {
		t.Errorf("the same seed fails other calls (-first +second):\n%s", diff)
	}
	if cmp.Equal(got, run(4)) {
		t.Error("another seed fails the same calls")
	}
}

// TestConcurrentArrivals has many clients call a strict server, and compares the accepted calls with the law.
func TestConcurrentArrivals(t *testing.T) {
	cfg := upstream.Config{
		Total:  upstream.Limit{Rate: 500, Burst: 40},
		PerAPI: limits(upstream.LastFM, upstream.Limit{Rate: 100, Burst: 5, Window: upstream.Window{N: 10, Per: 100 * ms}}),
	}
	s := server(t, cfg)
	srv := httptest.NewServer(s)
	defer srv.Close()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for k := range 20 {
				path := "/v1/search?q=x&type=track"
				if (i+k)%2 == 0 {
					path = "/2.0/?method=artist.getInfo"
				}
				req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				res, err := srv.Client().Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				_ = s.Stats()
			}
		})
	}
	wg.Wait()
	var accepted []upstream.Arrival
	var last time.Duration
	var refused int64
	for _, a := range s.Arrivals() {
		if a.At < last {
			t.Fatalf("arrival at %v was judged after one at %v", a.At, last)
		}
		last = a.At
		if broken := anyBroken(cfg, a.API, accepted, a.At); broken != a.Refused {
			t.Fatalf("arrival at %v: refused %t, but accepting it breaks a limit: %t", a.At, a.Refused, broken)
		}
		if a.Refused {
			refused++
		} else {
			accepted = append(accepted, a)
		}
	}
	if st := s.Stats(); st.Total != 400 || st.Refused != refused || refused == 0 || len(accepted) == 0 {
		t.Errorf("%d arrivals of 400, %d refused of %d", st.Total, st.Refused, refused)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := server(t, roomy())
	huge := `{"model":"` + strings.Repeat("m", 1<<20) + `"}`
	if res := ask(t, s, "POST", "/v1/messages", huge, nil, "X-Api-Key: k"); res.Code != 413 {
		t.Errorf("anthropic: status %d, want 413", res.Code)
	}
	if res := ask(t, s, "POST", "/v1/me/playlists", huge, nil, "Authorization: Bearer t"); res.Code != 413 {
		t.Errorf("spotify: status %d, want 413", res.Code)
	}
	var body struct{ Error int }
	if res := ask(t, s, "POST", "/2.0/", huge, &body); res.Code != 200 || body.Error != 6 {
		t.Errorf("lastfm: %d, error %d, want 200 and 6", res.Code, body.Error)
	}
}
