package analysis_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/upstream"
)

// A whole analysis in real time: 40 a second with a burst of 40, against a simulator that refuses calls above that.
func TestAgainstTheSimulator(t *testing.T) {
	for name, denied := range map[string]bool{"all granted": false, "audio features denied": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := upstream.Default()
			cfg.DenyAudioFeatures = denied
			// Five times the default, because a machine that runs other tests beside this one delays arrivals by more than 50 ms.
			cfg.Slack = 250 * time.Millisecond
			sim, err := upstream.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			got := analyzeAt40(t, sim)
			stats := sim.Stats()
			if stats.Refused != 0 {
				t.Errorf("%d of %d calls were refused", stats.Refused, stats.Total)
			}
			least, most := int64(160), int64(180)
			if denied {
				least, most = 110, 150
			}
			if stats.Total < least || stats.Total > most {
				t.Errorf("%d calls, want %d to %d", stats.Total, least, most)
			}
			for api, n := range stats.Arrivals {
				if got.Calls[string(api)] != n && !denied { // calls that end early because Spotify denies their kind may not arrive
					t.Errorf("%s: %d calls counted, %d arrived", api, got.Calls[string(api)], n)
				}
			}
			if got.Ended != got.Tasks || got.FailedLookups != 0 || (got.AudioFeatures == analysis.FeaturesDenied) != denied || (got.Tempo == nil) != denied {
				t.Errorf("audio features denied %t: result %+v", denied, got)
			}
			if got.Title == "" || got.Summary == "" || len(got.Tags) == 0 || len(got.Found) == 0 || got.Added < 50 {
				t.Errorf("result %+v, want a title, tags, and 50 tracks or more added", got)
			}
			t.Logf("%d calls in %.1f s, %d in the worst second of %d allowed", stats.Total, got.Seconds, stats.Worst1s, stats.Allowed1s)
		})
	}
}

func analyzeAt40(t *testing.T, sim http.Handler) *analysis.Result {
	t.Helper()
	lim, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}},
		Routes:  map[string][]string{"anthropic": {"global"}, "spotify": {"global"}, "lastfm": {"global"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: lim})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	base := &http.Transport{MaxIdleConnsPerHost: 10}
	defer func() {
		if err := o.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := lim.Close(context.Background()); err != nil {
			t.Error(err)
		}
		base.CloseIdleConnections()
		srv.Close()
	}()
	clients, err := providers.NewClients(providers.ClientConfig{
		AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL,
		AnthropicKey: "key", SpotifyToken: "token", LastFMKey: "key", Limiter: lim, Base: base,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := analysis.NewAnalyzer(o, clients).Analyze(t.Context(), sample(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
