package analysis_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/upstream"
)

// TestAnalysesSurviveAnOverloadedModel: analyses that begin while Claude refuses all calls wait for it.
func TestAnalysesSurviveAnOverloadedModel(t *testing.T) {
	for _, overloaded := range []time.Duration{500 * time.Millisecond, 30 * time.Second} {
		t.Run(overloaded.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := simulator(t, func(cfg *upstream.Config) {
					cfg.Stretches = []upstream.Stretch{{API: upstream.Anthropic, To: overloaded, Fault: upstream.Overloaded, Share: 1}}
				})
				s := newSite(t, sim)
				list, began := sample(t), time.Now()
				const analyses = 6
				var failed [analyses]error
				var all sync.WaitGroup
				for i := range analyses {
					all.Go(func() { _, failed[i] = s.Analyze(t.Context(), list, nil) })
				}
				all.Wait()
				if err := errors.Join(failed[:]...); err != nil {
					t.Error(err)
				}
				calls := sim.Stats().Arrivals[upstream.Anthropic]
				t.Logf("529 for %v: %d analyses in %v, %d calls to Claude", overloaded, analyses, time.Since(began).Round(time.Second), calls)
				if most := int64(analyses * (10 + 8)); calls > most {
					t.Errorf("%d calls to Claude, want %d at most", calls, most)
				}
			})
		})
	}
}

// TestCommentsAreNotTriedAgain: when Claude fails, comments do not use the retries that a question may need.
func TestCommentsAreNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Kind") == "narrator" {
				w.WriteHeader(529)
			}
		}}
		got, err := newSite(t, fake).Analyze(t.Context(), sample(t), nil)
		if err != nil || fake.kinds["narrator"] != 8 || got.Failed != 8 {
			t.Errorf("%d comments were asked for, %d tasks failed, error %v; want 8, 8 and none", fake.kinds["narrator"], got.Failed, err)
		}
	})
}

// TestProviderThatIsShutForADay: the calls that are in flight when Spotify refuses are the last to Spotify. The analysis ends before it makes
// all calls to the other providers.
func TestProviderThatIsShutForADay(t *testing.T) {
	day := func(from time.Duration) func(*upstream.Config) {
		return func(cfg *upstream.Config) {
			cfg.Stretches = []upstream.Stretch{{API: upstream.Spotify, From: from, Fault: upstream.Refused, Share: 1}}
			cfg.RetryAfter = map[upstream.API]time.Duration{upstream.Spotify: 24 * time.Hour}
		}
	}
	for name, from := range map[string]time.Duration{"from the beginning": 0, "while tracks are looked up": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := simulator(t, day(from))
				s := newSite(t, sim)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				began := time.Now()
				got, err := s.Analyze(ctx, sample(t), nil)
				if cause, ok := errors.AsType[*providers.APIError](err); !ok || cause.Status != http.StatusTooManyRequests || cause.RetryAfter != 24*time.Hour {
					t.Errorf("error %v, want Spotify's", err)
				}
				synctest.Wait() // all requests that were sent have arrived
				first := sim.Stats()
				t.Logf("%v: failed after %v: %v; refused %d, arrivals %v", name, time.Since(began).Round(time.Millisecond), err, first.Refused, first.Arrivals)
				if first.Refused > orchestrator.DefaultSlots || from == 0 && first.Arrivals[upstream.LastFM] > 0 || first.Arrivals[upstream.Anthropic] > 8 || got.Ended != got.Tasks {
					t.Errorf("%d calls were refused, arrivals %v; %d of %d tasks ended", first.Refused, first.Arrivals, got.Ended, got.Tasks)
				}
				_, err = s.Analyze(ctx, sample(t), nil)
				if late, ok := errors.AsType[*limiter.DeadlineError](err); !ok || late.Ready < 23*time.Hour {
					t.Errorf("error of the next analysis %v, want that Spotify is shut until after the deadline", err)
				}
				synctest.Wait()
				second := sim.Stats().Arrivals
				t.Logf("the next: %v; arrivals %v", err, second)
				if second[upstream.Spotify] != first.Arrivals[upstream.Spotify] || second[upstream.LastFM] != first.Arrivals[upstream.LastFM] {
					t.Errorf("the next analysis made calls: %v, before it %v", second, first.Arrivals)
				}
			})
		})
	}
}

// TestLastFMThatRefusesFor10s: lookups wait for Last.fm, in pauses that double, and hardly any call is refused.
func TestLastFMThatRefusesFor10s(t *testing.T) {
	for _, from := range []time.Duration{0, 1200 * time.Millisecond, 2 * time.Second, 3 * time.Second} {
		for seed := range uint64(3) {
			t.Run(from.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sim := simulator(t, func(cfg *upstream.Config) {
						cfg.Seed = seed
						cfg.Stretches = []upstream.Stretch{{API: upstream.LastFM, From: from, To: from + 10*time.Second, Fault: upstream.Error29, Share: 1}}
					})
					got, err := newSite(t, sim).Analyze(t.Context(), sample(t), nil)
					if err != nil {
						t.Fatal(err)
					}
					calls := sim.Stats().Arrivals[upstream.LastFM]
					t.Logf("error 29 from %v to %v: %d calls for 95 lookups, %d lost, %.1f s", from, from+10*time.Second, calls, got.FailedLookups, got.Seconds)
					if n := got.Calls[providers.APILastFM]; n != calls {
						t.Errorf("%d calls are counted, %d arrived", n, calls)
					}
					if calls > 105 || got.FailedLookups > 5 {
						t.Errorf("%d calls for 95 lookups, want 105 at most; %d lost, want 5 at most: %v", calls, got.FailedLookups, got.Notes)
					}
				})
			})
		}
	}
}

// TestLastFMThatFails: error 8 is tried again, whatever its status is.
func TestLastFMThatFails(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		synctest.Test(t, func(t *testing.T) {
			var once sync.Map
			fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				if _, seen := once.LoadOrStore(r.PostForm.Get("artist"), true); !seen && strings.HasPrefix(r.URL.Path, "/2.0") {
					w.WriteHeader(status)
					_, _ = w.Write([]byte(`{"error":8,"message":"Operation failed"}`))
				}
			}}
			s := newSite(t, fake)
			if _, err := s.Analyze(t.Context(), tracks(7), nil); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute) // the retry budget of the route fills
			once.Clear()
			got, err := s.Analyze(t.Context(), tracks(7), nil)
			if err != nil || got.FailedLookups != 0 {
				t.Errorf("status %d: %d lookups failed, error %v, notes %v; want no failure", status, got.FailedLookups, err, got.Notes)
			}
		})
	}
}

// TestSpentQuotaIsNotTriedAgain: one question is asked, and the error says why there is no other.
func TestSpentQuotaIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/messages") {
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = w.Write([]byte(`{"type":"error","error":{"type":"rate_limit_error","message":"wait","details":{"error_code":"enforced_spend_limit_reached"}}}`))
			}
		}}
		_, err := newSite(t, fake).Analyze(t.Context(), sample(t), nil)
		if err == nil || !strings.Contains(err.Error(), "anthropic") || !strings.Contains(err.Error(), "quota of the account is spent") {
			t.Errorf("error %v, want that the quota of Anthropic's account is spent", err)
		}
		synctest.Wait() // a comment may be on its way
		if fake.kinds["first"] != 1 || fake.kinds["narrator"] > 1 || len(fake.kinds) > 2 {
			t.Errorf("calls %v, want one question and at most one comment", fake.kinds)
		}
	})
}
