package analysis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id1 = "4u7EnebtmKWzUH433cf5Qv"

func want[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// payments is a limiter that admits every call and counts them.
type payments struct {
	mu     sync.Mutex
	routes []string
}

func (p *payments) Wait(_ context.Context, route string, _ ...limiter.Option) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = append(p.routes, route)
	return nil
}

// serve runs a handler as all three providers.
func serve(t *testing.T, handler http.HandlerFunc) (*providers.Clients, *payments) {
	t.Helper()
	srv := httptest.NewServer(handler)
	base := &http.Transport{}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		srv.Close()
	})
	paid := &payments{}
	c, err := providers.NewClients(providers.ClientConfig{
		AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL, Limiter: paid, Base: base, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, paid
}

// fakeProviders is a small model of the three providers, sufficient for an analysis. Its fields are set before the first call.
type fakeProviders struct {
	plan, verdict string               // answers of Claude; empty for a good one
	intercept     http.HandlerFunc     // sees every request first; it has answered if it calls WriteHeader
	found         func(q string) []any // tracks of a search; nil finds one per query

	mu       sync.Mutex
	calls    map[string]int // by API
	kinds    map[string]int // by kind of call
	searches []string
	added    [][]string

	described string // the playlist that was made
}

func (p *fakeProviders) saw(api, kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls, p.kinds = map[string]int{}, map[string]int{}
	}
	p.calls[api]++
	p.kinds[kind]++
}

// watch notes whether an answer was written.
type watch struct {
	http.ResponseWriter
	wrote bool
}

func (w *watch) WriteHeader(status int) { w.wrote = true; w.ResponseWriter.WriteHeader(status) }

func (p *fakeProviders) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller hung up
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	api, kind, answer := p.answer(r, string(body))
	p.saw(api, kind)
	w := &watch{ResponseWriter: rw}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Set("X-Kind", kind); p.intercept != nil {
		if p.intercept(w, r); w.wrote || r.Context().Err() != nil {
			return
		}
	}
	if text, ok := answer.(string); ok {
		if strings.HasPrefix(text, "event: ") {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		}
		_, _ = io.WriteString(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

type object = map[string]any

// message is an answer of Claude: a stream of events.
func message(text string) string {
	var b strings.Builder
	event := func(name string, data object) {
		data["type"] = name
		line, err := json.Marshal(data)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, line)
	}
	event("message_start", object{"message": object{
		"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []any{}, "usage": object{"input_tokens": 1, "output_tokens": 1},
	}})
	for i, block := range []object{{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": text}} {
		event("content_block_start", object{"index": i, "content_block": block})
		event("content_block_stop", object{"index": i})
	}
	event("message_delta", object{"delta": object{"stop_reason": "end_turn"}, "usage": object{"output_tokens": 1}})
	event("message_stop", object{})
	return b.String()
}

func (p *fakeProviders) answer(r *http.Request, body string) (api, kind string, answer any) {
	switch path := r.URL.Path; {
	case path == "/v1/messages":
		kind, text := "narrator", "How nice."
		switch {
		case strings.Contains(body, `\"summary\"`):
			kind, text = "final", p.verdict
			if text == "" {
				text = `{"title":"Evening drive","summary":"It holds together."}`
			}
		case strings.Contains(body, `\"searches\"`):
			kind, text = "first", p.plan
			if text == "" {
				text = `{"searches":["s1","s2","s3","s4","s5","s6","s7","s8"]}`
			}
		}
		return "anthropic", kind, message(text)
	case path == "/v1/search":
		q := r.URL.Query().Get("q")
		p.mu.Lock()
		p.searches = append(p.searches, q)
		p.mu.Unlock()
		tracks := []any{object{"id": fmt.Sprintf("%022d", len(q)), "name": "Found " + q, "artists": []any{object{"name": "Muse"}}}}
		if p.found != nil {
			tracks = p.found(q)
		}
		return "spotify", "search", object{"tracks": object{"items": tracks}}
	case strings.HasPrefix(path, "/v1/tracks/"):
		id := strings.TrimPrefix(path, "/v1/tracks/")
		return "spotify", "name", object{"id": id, "name": "Named " + id[:4], "artists": []any{object{"name": "Muse"}}}
	case strings.HasPrefix(path, "/v1/audio-features/"):
		return "spotify", "features", object{"tempo": 100, "energy": 0.5, "danceability": 0.25}
	case path == "/v1/me/playlists" && r.Method == http.MethodGet:
		p.mu.Lock()
		defer p.mu.Unlock()
		own := []any{nil}
		if p.described != "" {
			own = append(own, object{"id": "new1", "description": p.described})
		}
		return "spotify", "own", object{"items": own}
	case path == "/v1/playlists/new1/items" && r.Method == http.MethodGet:
		p.mu.Lock()
		defer p.mu.Unlock()
		total := 0
		for _, uris := range p.added {
			total += len(uris)
		}
		return "spotify", "items", object{"total": total}
	case path == "/v1/me/playlists":
		var sent struct{ Description string }
		_ = json.Unmarshal([]byte(body), &sent)
		p.mu.Lock()
		p.described = sent.Description
		p.mu.Unlock()
		return "spotify", "create", object{"id": "new1", "external_urls": object{"spotify": "https://open.spotify.com/playlist/new1"}}
	case path == "/v1/playlists/new1/items":
		var sent struct{ URIs []string }
		_ = json.Unmarshal([]byte(body), &sent)
		p.mu.Lock()
		p.added = append(p.added, sent.URIs)
		p.mu.Unlock()
		return "spotify", "add", object{"snapshot_id": "s"}
	case path == "/2.0/" && strings.Contains(body, "method=track.getInfo"):
		return "lastfm", "track", object{"track": object{"listeners": "10", "playcount": "20", "toptags": object{"tag": []any{object{"name": "Rock"}, object{"name": "90s"}}}}}
	case path == "/2.0/":
		return "lastfm", "artist", object{"artist": object{
			"stats": object{"listeners": "10", "playcount": "20"}, "tags": object{"tag": []any{object{"name": "rock"}}},
			"similar": object{"artist": []any{object{"name": "Muse"}, object{"name": "Queen"}}},
		}}
	}
	return "nobody", r.URL.Path, object{"error": "unknown"}
}

// bench is an analyzer in front of providers of a test.
type bench struct {
	*analysis.Analyzer
	orchestrator *orchestrator.Orchestrator
	late         *payments // requests that no reservation paid for
}

// analyzer runs a handler as the providers.
func analyzer(t *testing.T, handler http.Handler) bench {
	t.Helper()
	clients, late := serve(t, handler.ServeHTTP)
	_, o := fleet(t)
	return bench{analysis.NewAnalyzer(o, clients), o, late}
}

// fleet is an orchestrator whose tokens come fast, and its limiter.
func fleet(t *testing.T) (*limiter.Limiter, *orchestrator.Orchestrator) {
	t.Helper()
	lim, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(10_000, 10_000)}},
		Routes:  map[string][]string{"anthropic": {"global"}, "spotify": {"global"}, "lastfm": {"global"}},
		Slack:   time.Minute, // so that a slow machine fails no test
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: lim})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := lim.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return lim, o
}
