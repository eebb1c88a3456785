package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// slow is a latency that is longer than any test.
var slow = upstream.Latency{Min: time.Minute, Max: time.Minute}

func (r *replica) post(t *testing.T, headers ...string) *http.Response {
	t.Helper()
	return r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), func(req *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Set(name, value)
		}
	})
}

// events returns the events of a stream, to its end.
func events(t *testing.T, body io.Reader) (all []sse.Event) {
	t.Helper()
	for e, err := range sse.Read(body) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// result returns the result of a stream. The stream must end with a result and "done".
func result(t *testing.T, all []sse.Event) (r analysis.Result) {
	t.Helper()
	if n := len(all); n < 2 || all[n-2].Name != "result" || all[n-1].Name != "done" {
		t.Fatalf("the last of %d events are not a result and done: %+v", n, all[max(0, n-2):])
	}
	if err := json.Unmarshal(all[len(all)-2].Data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestALostConnectionKeepsThePaidWork: the analysis goes on, and the client that comes back gets the rest, with ids that go on.
func TestALostConnectionKeepsThePaidWork(t *testing.T) {
	r := start(t, func(up *upstream.Config, _ *worker.Config) {
		up.Latency = upstream.Latency{Min: time.Millisecond, Max: 5 * time.Millisecond}
	})
	res := r.post(t)
	where := res.Header.Get("Location")
	var seen []sse.Event
	for e, err := range sse.Read(res.Body) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, e); len(seen) == 10 {
			break
		}
	}
	_ = res.Body.Close()
	again := r.do(t, http.MethodGet, where+"/events", nil, func(req *http.Request) { req.Header.Set("Last-Event-ID", seen[9].ID) })
	seen = append(seen, events(t, again.Body)...)
	last := uint64(0)
	for _, e := range seen {
		id, err := strconv.ParseUint(e.ID, 10, 64)
		if err != nil || id <= last {
			t.Errorf("the id %q comes after %d, want growing ids", e.ID, last)
		}
		last = id
	}
	if got, arrived := result(t, seen), r.sim.Stats().Total; arrived != int64(got.Tasks) {
		t.Errorf("%d calls arrived for %d tasks", arrived, got.Tasks)
	}
	if res := r.do(t, http.MethodGet, where+"/events", nil, func(req *http.Request) { req.Header.Set("Last-Event-ID", strconv.FormatUint(last, 10)) }); res.StatusCode != http.StatusNoContent {
		t.Errorf("a reader after the last event: status %s, want 204", res.Status)
	}
	if got := events(t, r.do(t, http.MethodGet, where+"/events", nil, nil).Body); len(got) > len(seen) {
		t.Errorf("a new reader gets %d events, more than the %d of the first", len(got), len(seen))
	}
}

// TestARepetitionPaysOnce: a POST that is repeated with its key has the result of the first.
func TestARepetitionPaysOnce(t *testing.T) {
	r := start(t, nil)
	first := result(t, events(t, r.post(t, "Idempotency-Key: k").Body))
	again := result(t, events(t, r.post(t, "Idempotency-Key: k").Body))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	if arrived := r.sim.Stats().Total; arrived != int64(first.Tasks) {
		t.Errorf("%d calls arrived for %d tasks", arrived, first.Tasks)
	}
}

// TestNoAnswerOfAProviderEndsTheProcess: numbers and texts that an analysis cannot use end at most the analysis, with its last events.
func TestNoAnswerOfAProviderEndsTheProcess(t *testing.T) {
	r := start(t, nil)
	answers := []string{
		`{"tempo":1e308,"energy":0.5,"danceability":0.5}`, `{"tempo":100,"energy":1e308,"danceability":-1e308}`, `{"tempo":1e400}`, `null`, `[`, ``,
		strings.Repeat("[", 20_000), `{"tempo":{}}`, strings.Repeat(" ", 5<<20),
	}
	var tries sync.WaitGroup
	for _, path := range []string{"/v1/audio-features/", "/v1/search", "/v1/messages", "/v1/me/playlists", "/2.0/"} {
		for _, answer := range answers {
			tries.Go(func() {
				all := r.against(t, func(out http.ResponseWriter, req *http.Request) {
					if !strings.HasPrefix(req.URL.Path, path) {
						r.sim.ServeHTTP(out, req)
						return
					}
					out.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(out, answer)
				})
				if n := len(all); n < 2 || all[n-1].Name != "done" || all[n-2].Name != "result" && all[n-2].Name != "error" {
					t.Errorf("%.40q from %s: the last of %d events are %+v", answer, path, n, all[max(0, n-2):])
				}
			})
		}
	}
	tries.Wait()
}

// against is the stream of an analysis by another replica, whose providers a test plays.
func (r *replica) against(t *testing.T, providers http.HandlerFunc) []sse.Event {
	t.Helper()
	played := httptest.NewServer(providers)
	defer played.Close()
	rdb := redis.NewClient(&redis.Options{Addr: r.redis.Addr()})
	defer rdb.Close()
	cfg := worker.Config{Redis: rdb, Budget: limiter.PerSecond(10_000, 10_000), Providers: r.apis, Deadline: time.Second}
	cfg.Providers.AnthropicURL, cfg.Providers.SpotifyURL, cfg.Providers.LastFMURL = played.URL, played.URL, played.URL
	w, err := worker.New(cfg)
	if err == nil {
		err = w.Connect(t.Context())
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	front := httptest.NewServer(w.Handler())
	defer front.Close()
	list := `{"tracks":[{"id":"4u7EnebtmKWzUH433cf5Qv","name":"a","artists":["b"]},{"id":"4u7EnebtmKWzUH433cf5Qw","name":"c","artists":["d"]}]}`
	res, err := http.Post(front.URL+"/v1/playlists/analyze", "application/json", strings.NewReader(list)) //nolint:noctx // it ends at its deadline
	if err != nil {
		t.Error(err)
		return nil
	}
	defer res.Body.Close()
	var all []sse.Event
	for e, err := range sse.Read(res.Body) {
		if err != nil {
			t.Error(err)
		}
		all = append(all, e)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return all
}

// TestAnalysesAreBounded: of many POSTs at once the replica accepts as many as may run and wait. The others get 503 with Retry-After.
func TestAnalysesAreBounded(t *testing.T) {
	r := start(t, func(up *upstream.Config, cfg *worker.Config) {
		up.Latency, cfg.Desk = slow, desk.Config{Running: 3, Waiting: 2}
	})
	var taken, refused atomic.Int64
	var posts sync.WaitGroup
	for range 100 {
		posts.Go(func() {
			switch res := r.post(t); {
			case res.StatusCode == http.StatusOK:
				taken.Add(1)
			case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
				refused.Add(1)
			default:
				t.Errorf("status %s, want 200, or 503 with Retry-After", res.Status)
			}
		})
	}
	posts.Wait()
	if taken.Load() != 5 || refused.Load() != 95 {
		t.Errorf("%d analyses accepted, %d refused, want 5 and 95", taken.Load(), refused.Load())
	}
}

// TestAnalysesAreBoundedByWeight: a replica refuses a playlist that takes more memory than it has for all analyses, and accepts a shorter one.
func TestAnalysesAreBoundedByWeight(t *testing.T) {
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) {
		cfg.Desk = desk.Config{LogBytes: 64 << 10, Bytes: 72 << 10} // 8 KiB beside a log
	})
	if res := r.post(t); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a playlist of many tracks: status %s, want 413", res.Status)
	}
	short := strings.NewReader("Track URI,Track Name,Artist Name(s)\n,Song,Band\n")
	if res := r.do(t, http.MethodPost, "/v1/playlists/analyze", short, nil); res.StatusCode != http.StatusOK {
		t.Errorf("a playlist of one track: status %s, want 200", res.Status)
	}
}

// TestOrderlyEndTellsEveryStream: streams of running and of waiting analyses get the reason and "done".
func TestOrderlyEndTellsEveryStream(t *testing.T) {
	r := start(t, func(up *upstream.Config, cfg *worker.Config) {
		up.Latency, cfg.Desk, cfg.Drain = slow, desk.Config{Running: 2}, 50*time.Millisecond
	})
	streams := []*http.Response{r.post(t), r.post(t), r.post(t)}
	if err := r.stop(); err != nil {
		t.Logf("the end: %v", err)
	}
	for i, res := range streams {
		all := events(t, res.Body)
		if n := len(all); n < 2 || all[n-2].Name != "error" || !strings.Contains(string(all[n-2].Data), worker.ErrEnding.Error()) || all[n-1].Name != "done" {
			t.Errorf("stream %d: %d events, the last are %+v", i, n, all[max(0, n-2):])
		}
	}
}

// TestStreamsOfAReplicaThatIsNotReady: it has no analyses yet and refuses.
func TestStreamsOfAReplicaThatIsNotReady(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	r := start(t, nil)
	w, err := worker.New(worker.Config{Redis: rdb, Providers: r.apis})
	if err != nil {
		t.Fatal(err)
	}
	out := httptest.NewRecorder()
	w.Handler().ServeHTTP(out, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1/v1/playlists/analyses/r.x/events", nil))
	if out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q, want 503 with Retry-After", out.Code, out.Header().Get("Retry-After"))
	}
}
