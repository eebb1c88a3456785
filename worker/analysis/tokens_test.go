package analysis_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/upstream"
)

// TestInputTokensAreCosts: Claude limits input tokens, and twenty analyses run at once. Claude refuses hardly any call if calls cost their
// tokens, and many if they do not.
func TestInputTokensAreCosts(t *testing.T) {
	const perMinute, analyses = 30_000, 20
	refused := map[bool]int64{}
	for _, counted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			sim := simulator(t, func(cfg *upstream.Config) {
				cfg.Tokens.Input = upstream.TokenLimit{PerMinute: perMinute, Burst: perMinute / 2}
				cfg.Headers = []upstream.Dialect{upstream.HeadersAnthropic}
			})
			s := newSite(t, sim, func(limits *limiter.Config, apis *providers.ClientConfig) {
				if !counted {
					return
				}
				apis.Usage.Input = "input"
				limits.Buckets["input"] = []limiter.Limit{{Tokens: perMinute, Per: time.Minute, Burst: perMinute / 2}}
				limits.Metered = map[string]limiter.Metered{"input": {}}
				limits.Routes["anthropic"] = []string{"anthropic", "input", "global"}
			})
			list, began := sample(t), time.Now()
			var running sync.WaitGroup
			for range analyses {
				running.Go(func() {
					if _, err := s.Analyze(t.Context(), list, nil); err != nil {
						t.Errorf("with costs %t, an analysis failed: %v", counted, err)
					}
				})
			}
			running.Wait()
			stats := sim.Stats()
			refused[counted] = stats.HTTP429[upstream.Anthropic]
			t.Logf("costs %-5t %d analyses in %v, %d input tokens, %d of %d calls of Claude refused", counted, analyses, time.Since(began).Round(time.Second), stats.InputTokens, refused[counted], stats.Arrivals[upstream.Anthropic])
		})
	}
	if refused[true] > 2 || refused[false] < 10*max(1, refused[true]) {
		t.Errorf("%d calls are refused with costs, %d without; want almost none with costs, and many without", refused[true], refused[false])
	}
}

// TestLoginsInAnAnalysis: a token that expires in the middle is renewed. A login without a user gets a result without a playlist.
func TestLoginsInAnAnalysis(t *testing.T) {
	both := []string{"playlist-modify-private", "playlist-read-private"}
	for _, row := range []struct {
		name    string
		account upstream.Account
		login   providers.SpotifyLogin
		created bool
		note    string
	}{
		{"PKCE", upstream.Account{RefreshToken: "r", Scopes: both, Rotates: true}, providers.SpotifyLogin{RefreshToken: "r"}, true, ""},
		{"PKCE, tokens of 3 s", upstream.Account{RefreshToken: "r", Scopes: both, Rotates: true, Expires: 3 * time.Second}, providers.SpotifyLogin{RefreshToken: "r"}, true, ""},
		{"code and secret", upstream.Account{Secret: "s", RefreshToken: "r", Scopes: both}, providers.SpotifyLogin{ClientSecret: "s", RefreshToken: "r"}, true, ""},
		{"a consent without a scope", upstream.Account{RefreshToken: "r", Scopes: both[1:]}, providers.SpotifyLogin{RefreshToken: "r"}, false, "no playlist is created: the user has not consented to playlist-modify-private"},
		{"client credentials", upstream.Account{Secret: "s"}, providers.SpotifyLogin{ClientSecret: "s", Nobody: true}, false, "no playlist is created: the application is logged in for itself and not for a user"},
	} {
		synctest.Test(t, func(t *testing.T) {
			row.account.ClientID, row.login.ClientID = "app", "app"
			sim := simulator(t, func(cfg *upstream.Config) { cfg.Accounts = []upstream.Account{row.account} })
			s := newSite(t, sim, func(_ *limiter.Config, apis *providers.ClientConfig) { apis.SpotifyLogin = row.login })
			got, err := s.Analyze(t.Context(), sample(t), nil)
			note := ""
			if len(got.Notes) > 0 {
				note = got.Notes[0]
			}
			t.Logf("%-26s %v, playlist %-5t with %2d tracks, %2d found, notes: %s", row.name, err, got.Created.ID != "", got.Added, len(got.Found), note)
			if err != nil || (got.Created.ID != "") != row.created || note != row.note || len(got.Found) == 0 || got.Tempo == nil || sim.Stats().Refused > 0 {
				t.Errorf("%s: error %v, result %+v; want a playlist %t, note %q", row.name, err, got, row.created, row.note)
			}
		})
	}
}
