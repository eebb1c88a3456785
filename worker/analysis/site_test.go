package analysis_test

import (
	"context"
	"errors"
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

// inside sends requests to a handler of this process, in virtual time.
func inside(handler http.Handler) tripFunc {
	return func(r *http.Request) (*http.Response, error) {
		answered := make(chan *http.Response, 1)
		go func() {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			answered <- w.Result()
		}()
		select {
		case res := <-answered:
			return res, nil
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// site is a replica whose providers are in the same process. Every provider has a bucket of its own below the shared budget of 40 a second.
type site struct {
	*analysis.Analyzer
	limiter      *limiter.Limiter
	orchestrator *orchestrator.Orchestrator
}

func newSite(t *testing.T, handler http.Handler, edits ...func(*limiter.Config, *providers.ClientConfig)) site {
	t.Helper()
	forty := []limiter.Limit{limiter.PerSecond(40, 40)}
	const local = "http://localhost:1"
	limits := limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": forty, "anthropic": forty, "spotify": forty, "lastfm": forty},
		Routes:  map[string][]string{"anthropic": {"anthropic", "global"}, "spotify": {"spotify", "global"}, "lastfm": {"lastfm", "global"}},
	}
	apis := providers.ClientConfig{
		AnthropicURL: local, SpotifyURL: local, LastFMURL: local, AnthropicKey: "key", SpotifyToken: "token", LastFMKey: "key",
		SpotifyScopes: []string{"playlist-modify-private", "playlist-read-private"}, Base: inside(handler),
	}
	for _, edit := range edits {
		edit(&limits, &apis)
	}
	lim, err := limiter.NewMemory(limits)
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: lim, RouteSlots: analysis.RouteSlots(0), Retry: analysis.Retry(30 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.Close(context.Background()), lim.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	apis.Limiter = lim
	clients, err := providers.NewClients(apis)
	if err != nil {
		t.Fatal(err)
	}
	return site{analysis.NewAnalyzer(o, clients), lim, o}
}

func simulator(t *testing.T, edit func(*upstream.Config)) *upstream.Server {
	t.Helper()
	cfg := upstream.Default()
	edit(&cfg)
	sim, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}
