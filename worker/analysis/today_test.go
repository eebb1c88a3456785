package analysis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/upstream"
)

// TestTwentyAnalyses: twenty analyses run at once, while a share of the calls fails. Each has a result and a playlist.
func TestTwentyAnalyses(t *testing.T) {
	all := func(fault upstream.Fault, share float64) func(*upstream.Config) {
		return func(cfg *upstream.Config) {
			cfg.Stretches = []upstream.Stretch{{API: upstream.Anthropic, Fault: fault, Share: share}}
		}
	}
	seeds := uint64(1)
	if os.Getenv("WEIR_ROWS") == "all" {
		seeds = 3
	}
	for _, row := range []struct {
		name string
		edit func(*upstream.Config)
	}{
		{"nothing fails", func(*upstream.Config) {}},
		{"30 % of Claude's calls get 529", all(upstream.Overloaded, 0.3)},
		{"30 % get 503", all(upstream.Unavailable, 0.3)},
		{"30 % of the streams break midway", all(upstream.Midway, 0.3)},
		{"30 % of the streams are cut", all(upstream.Cut, 0.3)},
		{"30 % of all providers' calls fail", func(cfg *upstream.Config) { cfg.Failures = 0.3 }},
		{"30 % of Spotify's answers are lost", func(cfg *upstream.Config) {
			cfg.Stretches = []upstream.Stretch{{API: upstream.Spotify, Fault: upstream.Lost, Share: 0.3}}
		}},
	} {
		for seed := range seeds {
			synctest.Test(t, func(t *testing.T) {
				sim := simulator(t, func(cfg *upstream.Config) {
					row.edit(cfg)
					cfg.Seed = seed
				})
				s := newSite(t, sim)
				list, began := sample(t), time.Now()
				const analyses = 20
				var results [analyses]*analysis.Result
				var failed [analyses]error
				var running sync.WaitGroup
				for i := range analyses {
					running.Go(func() { results[i], failed[i] = s.Analyze(t.Context(), list, nil) })
				}
				running.Wait()
				served, created, filled, retried := 0, 0, 0, int64(0)
				for i, got := range results {
					if failed[i] != nil {
						t.Errorf("%s, seed %d: an analysis failed: %v", row.name, seed, failed[i])
						continue
					}
					served++
					if got.Created.ID != "" {
						created++
					}
					if got.Added >= 50 {
						filled++
					} else {
						t.Logf("%s, seed %d: %d tracks added: %q", row.name, seed, got.Added, got.Notes)
					}
				}
				retried = s.orchestrator.Snapshot().Retried
				t.Logf("%-36s seed %d: %d results, %d playlists, %d filled; %3d retries, %v", row.name, seed, served, created, filled, retried, time.Since(began).Round(time.Second))
				if served != analyses || created != analyses || filled != analyses {
					t.Errorf("%s, seed %d: %d results, %d playlists, %d filled, want %d of each", row.name, seed, served, created, filled, analyses)
				}
				if made := ownPlaylists(t, sim); made != analyses {
					t.Errorf("%s, seed %d: the user has %d playlists, want %d", row.name, seed, made, analyses)
				}
			})
		}
	}
}

// ownPlaylists returns how many playlists the user has at a simulator.
func ownPlaylists(t *testing.T, sim http.Handler) int {
	t.Helper()
	for range 50 { // some calls fail
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/me/playlists", nil)
		r.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		var list struct{ Total int }
		if w.Code == http.StatusOK && json.Unmarshal(w.Body.Bytes(), &list) == nil {
			return list.Total
		}
		time.Sleep(time.Second)
	}
	t.Fatal("the simulator does not list playlists")
	return 0
}

// TestAnalysisOutlasts half a minute of trouble in every form, at every call that an analysis needs.
func TestAnalysisOutlasts(t *testing.T) {
	const trouble = 30 * time.Second
	for _, row := range []struct {
		api   string
		kinds []string // of the calls that meet the trouble; each begins with the first of them
	}{
		{"anthropic", []string{"first"}}, {"anthropic", []string{"final"}}, {"spotify", []string{"search"}}, {"spotify", []string{"create", "own"}}, {"spotify", []string{"add", "items"}},
	} {
		for _, form := range []string{"500", "503", "529", "silence", "reset", "cut"} {
			if form == "cut" && row.api != "anthropic" {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var began time.Time
				fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					if !slices.Contains(row.kinds, r.Header.Get("X-Kind")) {
						return
					}
					if began.IsZero() {
						began = time.Now()
					}
					if time.Since(began) >= trouble {
						return
					}
					switch form {
					case "silence":
						w.WriteHeader(http.StatusTeapot)
					case "reset":
						w.WriteHeader(http.StatusGone)
					case "cut":
						w.Header().Set("Content-Type", "text/event-stream")
						w.WriteHeader(http.StatusOK)
					default:
						var status int
						_, _ = fmt.Sscan(form, &status)
						w.WriteHeader(status)
					}
				}}
				s := newSite(t, fake, func(_ *limiter.Config, apis *providers.ClientConfig) {
					answered := apis.Base
					apis.Timeout = 5 * time.Second
					apis.Base = tripFunc(func(r *http.Request) (*http.Response, error) {
						res, err := answered.RoundTrip(r)
						switch {
						case err == nil && res.StatusCode == http.StatusTeapot:
							<-r.Context().Done()
							return nil, r.Context().Err()
						case err == nil && res.StatusCode == http.StatusGone:
							return nil, errors.New("connection reset by peer")
						}
						return res, err
					})
				})
				start := time.Now()
				got, err := s.Analyze(t.Context(), tracks(5), nil)
				t.Logf("%-9s %-12s %-8s for %v: %v after %v, playlist %q with %d tracks, notes %d", row.api, strings.Join(row.kinds, "+"), form, trouble, err, time.Since(start).Round(time.Second), got.Created.ID, got.Added, len(got.Notes))
				if err != nil || got.Created.ID == "" || got.Added == 0 || len(got.Notes) > 0 {
					t.Errorf("%s %s %s: error %v, result %+v; want a filled playlist without notes", row.api, row.kinds, form, err, got)
				}
			})
		}
	}
}

// TestWhatIsClosedIsNotAskedAgain: if a refusal is for all calls of a kind, the analysis makes no more of them. If it needs them, it ends. The
// note or the error says why.
func TestWhatIsClosedIsNotAskedAgain(t *testing.T) {
	refusal := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	claude := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"}}`
	}
	const slots = orchestrator.DefaultSlots
	for _, row := range []struct {
		name   string
		kinds  []string // of the refused calls
		answer func(http.ResponseWriter)
		most   int    // calls of these kinds: as many as are in flight at the first answer
		words  string // in the notes, or in the error
		fails  bool
	}{
		{"audio features, 403", []string{"features"}, refusal(403, ""), slots, "Spotify denies audio features", false},
		{"audio features, 404", []string{"features"}, refusal(404, ""), 5 + slots, "Spotify denies audio features", false},
		{"Last.fm, key suspended inside 200", []string{"track", "artist"}, refusal(200, `{"error":26,"message":"Suspended"}`), slots, "lastfm: 200 (26): Suspended; set another key", false},
		{"Last.fm, key suspended inside 403", []string{"track", "artist"}, refusal(403, `{"error":26,"message":"Suspended"}`), slots, "lastfm: 403 Forbidden (26): Suspended; set another key", false},
		{"Last.fm, key wrong", []string{"track", "artist"}, refusal(403, `{"error":10,"message":"Invalid API key"}`), slots, "set another key", false},
		{"the narrator's model is unknown", []string{"narrator"}, refusal(404, claude("not_found_error", "model: x")), 2, "comments are missing: anthropic: 404", false},
		{"the model is unknown", []string{"first"}, refusal(404, claude("not_found_error", "model: x")), 1, "name another with WEIR_MODEL", true},
		{"the month's cap, 429", []string{"first", "narrator"}, refusal(429, claude("rate_limit_error", "monthly spend limit")), 2, "quota of the account is spent", true},
		{"the month's cap, 400", []string{"first", "narrator"}, refusal(400, claude("invalid_request_error", "You have reached your specified API usage limits.")), 2, "quota of the account is spent", true},
		{"the balance", []string{"first", "narrator"}, refusal(400, claude("invalid_request_error", "Your credit balance is too low")), 2, "quota of the account is spent", true},
		{"the cap, at the final question", []string{"final"}, refusal(429, claude("rate_limit_error", "monthly spend limit")), 1, "final question", true},
		{"Claude's key is wrong", []string{"first", "narrator"}, refusal(401, claude("authentication_error", "invalid x-api-key")), 2, "ANTHROPIC_API_KEY", true},
		{"Spotify's token is wrong", []string{"search"}, refusal(401, `{"error":{"status":401,"message":"Invalid access token"}}`), slots, "spotify: 401", true},
		{"Spotify's quota", []string{"search"}, refusal(429, `{"error":{"status":429,"message":"x","reason":"QUOTA_EXCEEDED"}}`), slots, "quota of the account is spent", true},
		{"no scope to create", []string{"create"}, refusal(403, `{"error":{"status":403,"message":"Insufficient client scope"}}`), 1, "no playlist is created: spotify: 403 Forbidden: Insufficient client scope", false},
		{"no scope to add", []string{"add"}, refusal(403, `{"error":{"status":403,"message":"Insufficient client scope"}}`), 1, "the playlist is not filled: spotify: 403", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
				if slices.Contains(row.kinds, r.Header.Get("X-Kind")) {
					row.answer(w)
				}
			}}
			got, err := newSite(t, fake).Analyze(t.Context(), sample(t), nil)
			synctest.Wait() // all requests that were sent have arrived
			calls := 0
			for _, kind := range row.kinds {
				calls += fake.kinds[kind]
			}
			text := strings.Join(got.Notes, "\n")
			if err != nil {
				text = err.Error()
			}
			t.Logf("%-36s %2d calls, fails %-5t %s", row.name, calls, err != nil, text)
			if calls < 1 || calls > row.most || (err != nil) != row.fails || !strings.Contains(text, row.words) || got.Ended != got.Tasks {
				t.Errorf("%s: %d calls, want %d at most; %q, want %q; %d of %d tasks ended", row.name, calls, row.most, text, row.words, got.Ended, got.Tasks)
			}
			if row.fails && row.kinds[0] != "final" && fake.calls["lastfm"] > 0 {
				t.Errorf("%s: %d calls of Last.fm for nothing", row.name, fake.calls["lastfm"])
			}
		})
	}
}

// TestEachTrackIsAskedForOnce, however often a playlist has it.
func TestEachTrackIsAskedForOnce(t *testing.T) {
	same := func(n int, edit func(i int, t *playlist.Track)) playlist.Playlist {
		p := tracks(n)
		for i := range p.Tracks {
			edit(i, &p.Tracks[i])
		}
		return p
	}
	one := tracks(1).Tracks[0]
	for _, row := range []struct {
		name            string
		list            playlist.Playlist
		features, track int
	}{
		{"500 different rows", tracks(500), 500, 500},
		{"500 identical rows", same(500, func(_ int, t *playlist.Track) { *t = one }), 1, 1},
		{"500 rows of ten tracks", same(500, func(i int, t *playlist.Track) { *t = tracks(10).Tracks[i%10] }), 10, 10},
		{"two ids of each name", same(500, func(i int, t *playlist.Track) { t.Name, t.Artists = fmt.Sprint("Track ", i/2), []string{"Artist"} }), 500, 250},
		{"names in two cases", same(500, func(i int, t *playlist.Track) {
			t.ID, t.Name, t.Artists = "", []string{"Creep", "CREEP"}[i%2], []string{"radiohead", "Radiohead"}[i%2:]
		}), 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeProviders{}
			got, err := newSite(t, fake).Analyze(t.Context(), row.list, nil)
			t.Logf("%-24s %3d audio features, %3d tracks, %2d artists, %3d calls of Spotify", row.name, fake.kinds["features"], fake.kinds["track"], fake.kinds["artist"], fake.calls["spotify"])
			if err != nil || fake.kinds["features"] != row.features || fake.kinds["track"] != row.track || got.Ended != got.Tasks || got.Tracks != 500 {
				t.Errorf("%s: error %v, calls %v, want %d for features and %d for tracks", row.name, err, fake.kinds, row.features, row.track)
			}
		})
	}
}

// TestRetryAfterOfEveryLength: an analysis waits for as long as a provider asks, and fails at once if the wait ends after its deadline.
func TestRetryAfterOfEveryLength(t *testing.T) {
	const deadline = 30 * time.Minute
	for _, api := range []upstream.API{upstream.Anthropic, upstream.Spotify} {
		for _, wait := range []time.Duration{time.Second, 30 * time.Second, 2 * time.Minute, 20 * time.Minute, time.Hour, 24 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				sim := simulator(t, func(cfg *upstream.Config) {
					cfg.Stretches = []upstream.Stretch{{API: api, To: wait, Fault: upstream.Refused, Share: 1}}
				})
				s := newSite(t, sim)
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				began := time.Now()
				got, err := s.Analyze(ctx, sample(t), nil)
				took := time.Since(began)
				refused := sim.Stats().HTTP429[api]
				t.Logf("%-9s asks for %-8v %v after %v, %d refused", api, wait, err, took.Round(100*time.Millisecond), refused)
				switch {
				case wait < deadline && (err != nil || took < wait || got.Created.ID == ""):
					t.Errorf("%s asks for %v: error %v after %v, want a playlist after the wait", api, wait, err, took)
				case wait > deadline && (err == nil || took > 5*time.Second):
					t.Errorf("%s asks for %v: error %v after %v, want an error at once", api, wait, err, took)
				case refused > orchestrator.DefaultSlots:
					t.Errorf("%s asks for %v: %d calls were refused", api, wait, refused)
				}
			})
		}
	}
}
