package worker_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/fleet"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// replica is a worker with a Redis, a simulator and an HTTP server of its own.
type replica struct {
	redis *miniredis.Miniredis
	sim   *upstream.Server
	apis  providers.ClientConfig // where sim is
	url   string
	stop  func() error // ends it as a signal would
}

func start(t *testing.T, edit func(*upstream.Config, *worker.Config)) *replica {
	t.Helper()
	r := &replica{redis: miniredis.RunT(t)}
	up := upstream.Default()
	up.Total.Rate, up.Total.Burst, up.Latency = 10_000, 10_000, upstream.Latency{}
	cfg := worker.Config{Budget: limiter.PerSecond(10_000, 10_000)}
	if edit != nil {
		edit(&up, &cfg)
	}
	var err error
	if r.sim, err = upstream.New(up); err != nil {
		t.Fatal(err)
	}
	sim := httptest.NewServer(r.sim)
	t.Cleanup(sim.Close)
	rdb := redis.NewClient(&redis.Options{Addr: r.redis.Addr(), MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	cfg.Redis = rdb
	r.apis = providers.ClientConfig{
		AnthropicURL: sim.URL, SpotifyURL: sim.URL, LastFMURL: sim.URL, AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t",
	}
	cfg.Providers = r.apis
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, listener, w.Handler()) }()
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *replica) do(t *testing.T, method, path string, body io.Reader, edit func(*http.Request)) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/csv")
	}
	if edit != nil {
		edit(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// TestAnalyzeStreamsItsProgress: the events of a stream come in their order, and the provider has counted the calls that the result names.
func TestAnalyzeStreamsItsProgress(t *testing.T) {
	r := start(t, nil)
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %s, content type %s, want an event stream", res.Status, res.Header.Get("Content-Type"))
	}
	var order []string
	count := map[string]int{}
	var last analysis.Progress
	var result analysis.Result
	for e, err := range sse.Read(res.Body) {
		if err != nil {
			t.Fatal(err)
		}
		if len(order) == 0 || order[len(order)-1] != e.Name {
			order = append(order, e.Name)
		}
		count[e.Name]++
		switch e.Name {
		case "progress":
			if err := json.Unmarshal(e.Data, &last); err != nil {
				t.Fatal(err)
			}
		case "result":
			if err := json.Unmarshal(e.Data, &result); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(order); n < 3 || order[n-2] != "result" || order[n-1] != "done" || count["thinking"] == 0 || count["error"] != 0 {
		t.Errorf("events %v, counts %v; want sentences, no error, and result and done at the end", order, count)
	}
	if last.AllDone != last.AllTotal || last.AllTotal != result.Tasks || result.Tasks != result.Ended {
		t.Errorf("the last progress is %+v, the result has %d tasks, %d ended; want equal numbers", last, result.Tasks, result.Ended)
	}
	if s := r.sim.Stats(); s.Total != int64(result.Tasks) || s.Refused != 0 {
		t.Errorf("%d calls arrived for %d tasks, %d refused", s.Total, result.Tasks, s.Refused)
	}
}

// analyze posts the sample and returns the error event, which is zero if there is none, and the names of all events.
func (r *replica) analyze(t *testing.T) (failure worker.Failure, names []string) {
	t.Helper()
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil)
	for e, err := range sse.Read(res.Body) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
		if e.Name == "error" {
			if err := json.Unmarshal(e.Data, &failure); err != nil {
				t.Fatal(err)
			}
		}
	}
	return failure, names
}

// shutForADay is a simulator whose Spotify refuses every call, and asks to wait for a day.
func shutForADay(up *upstream.Config, _ *worker.Config) {
	up.Stretches = []upstream.Stretch{{API: upstream.Spotify, Fault: upstream.Refused, Share: 1}}
	up.RetryAfter = map[upstream.API]time.Duration{upstream.Spotify: 24 * time.Hour}
}

func TestAnalysisThatFailsSaysSo(t *testing.T) {
	failure, names := start(t, shutForADay).analyze(t)
	if failure.Error == "" || failure.Tasks == 0 || failure.Tasks != failure.Ended || names[len(names)-1] != "done" {
		t.Errorf("failure %+v, events %v; want an error, all tasks ended, and done", failure, names)
	}
	if slices.Contains(names, "result") {
		t.Error("a failed analysis has a result")
	}
}

// TestFleetLeavesAProviderAlone: once Spotify has asked one replica to wait for a day, no replica makes a call for an analysis.
func TestFleetLeavesAProviderAlone(t *testing.T) {
	r := start(t, shutForADay)
	if failure, _ := r.analyze(t); !strings.Contains(failure.Error, "spotify: 429") {
		t.Errorf("the first analysis: failure %+v, want Spotify's 429", failure)
	}
	<-time.After(200 * time.Millisecond) // in real time: requests that the client has given up may still arrive
	first := r.sim.Stats()
	if first.Arrivals[upstream.LastFM] != 0 || first.Refused > orchestrator.DefaultSlots {
		t.Errorf("%d calls were refused, arrivals %v; want no more refusals than slots, and no call of Last.fm", first.Refused, first.Arrivals)
	}
	rdb := redis.NewClient(&redis.Options{Addr: r.redis.Addr()})
	defer rdb.Close()
	other, err := worker.New(worker.Config{Redis: rdb, Budget: limiter.PerSecond(10_000, 10_000), Providers: r.apis})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := playlist.Parse(bytes.NewReader(playlist.Sample()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Analyze(t.Context(), list, nil)
	if late, ok := errors.AsType[*limiter.DeadlineError](err); !ok || late.Ready.Round(time.Hour) != 24*time.Hour || !strings.Contains(err.Error(), "spotify") {
		t.Errorf("another replica: error %v, want a DeadlineError of Spotify with a day to wait", err)
	}
	if err := other.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if failure, _ := r.analyze(t); !strings.Contains(failure.Error, "spotify") {
		t.Errorf("the next analysis: failure %+v, want Spotify as the reason", failure)
	}
	if diff := cmp.Diff(first.Arrivals, r.sim.Stats().Arrivals); diff != "" {
		t.Errorf("calls after the report (-before +after):\n%s", diff)
	}
}

// TestAnalysisEndsAtItsDeadline: an analysis whose provider does not answer ends with the reason.
func TestAnalysisEndsAtItsDeadline(t *testing.T) {
	r := start(t, func(up *upstream.Config, cfg *worker.Config) {
		up.Latency = upstream.Latency{Min: 30 * time.Second, Max: 30 * time.Second}
		cfg.Deadline = time.Second
	})
	began := time.Now()
	failure, _ := r.analyze(t)
	if !strings.Contains(failure.Error, "first question: it has not ended within its deadline of 1s") || failure.Tasks != failure.Ended {
		t.Errorf("failure %+v, want its deadline as the reason, and every task ended", failure)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the analysis ended after %v, want 3 s at most", took)
	}
}

func TestRequestsAreRefusedWithTheReason(t *testing.T) {
	var tooLarge bytes.Buffer // when it is unpacked
	z := gzip.NewWriter(&tooLarge)
	if _, err := io.WriteString(z, strings.Repeat("x", playlist.MaxBytes+1)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, nil)
	for name, c := range map[string]struct {
		method, body, encoding string
		status                 int
		detail                 string
	}{
		"empty":        {http.MethodPost, "", "", http.StatusBadRequest, "empty"},
		"not UTF-8":    {http.MethodPost, "Track URI,Track Name\nx,\xff\n", "", http.StatusBadRequest, "UTF-8"},
		"no columns":   {http.MethodPost, "a,b\n1,2\n", "", http.StatusBadRequest, "Track Name"},
		"compressed":   {http.MethodPost, "x", "br", http.StatusUnsupportedMediaType, "compressed"},
		"not gzip":     {http.MethodPost, "x", "gzip", http.StatusBadRequest, "cut off"},
		"too large":    {http.MethodPost, tooLarge.String(), "gzip", http.StatusRequestEntityTooLarge, "split"},
		"wrong method": {http.MethodGet, "", "", http.StatusMethodNotAllowed, ""},
	} {
		res := r.do(t, c.method, "/v1/playlists/analyze", strings.NewReader(c.body), func(req *http.Request) {
			if c.encoding != "" {
				req.Header.Set("Content-Encoding", c.encoding)
			}
		})
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || !strings.Contains(string(text), c.detail) {
			t.Errorf("%s: status %s, body %q, want %d and %q", name, res.Status, text, c.status, c.detail)
		}
		if c.detail != "" && res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: content type %s, want a problem", name, res.Header.Get("Content-Type"))
		}
	}
}

func TestReadinessFollowsRedis(t *testing.T) {
	r := start(t, nil)
	status := func(path string) int { return r.do(t, http.MethodGet, path, nil, nil).StatusCode }
	if status("/livez") != http.StatusOK || status("/readyz") != http.StatusOK {
		t.Error("a replica with Redis is not ready")
	}
	r.redis.SetError("LOADING")
	r.until(t, "degraded: redis does not answer\n")
	r.until(t, "unavailable\n") // the other replicas may not know this one yet, so it has no share
	if status("/livez") != http.StatusOK {
		t.Error("a replica without Redis is not alive")
	}
	r.redis.SetError("")
	r.until(t, "ok\n") // at once, or when Redis is back for a second
}

// until asks for the readiness of a replica until the answer is want.
func (r *replica) until(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		res := r.do(t, http.MethodGet, "/readyz", nil, nil)
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) == want {
			if ok := res.StatusCode == http.StatusOK; ok != (want != "unavailable\n") {
				t.Errorf("/readyz answers %q with status %d", text, res.StatusCode)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz answers %q after a minute, want %q", text, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestReadinessWithoutRedis: a replica that goes on without Redis is ready, and /readyz says how it goes on. A replica that waits is not ready.
func TestReadinessWithoutRedis(t *testing.T) {
	for health, mode := range map[string]limiter.WhenAway{"degraded: open\n": limiter.FailOpen, "unavailable\n": limiter.FailClosed} {
		r := start(t, func(_ *upstream.Config, c *worker.Config) { c.WhenAway = mode })
		r.until(t, "ok\n")
		r.redis.SetError("LOADING")
		r.until(t, health)
		if mode == limiter.FailOpen {
			res := r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil)
			if stream, err := io.ReadAll(res.Body); err != nil || !bytes.Contains(stream, []byte("event: result")) {
				t.Errorf("an analysis without Redis: %s, %v\n%s", res.Status, err, stream)
			}
		}
		r.redis.SetError("")
		r.until(t, "ok\n")
	}
}

// TestReplicaWithoutRedisServesUnready: it has no share of the budget, so it is not ready and refuses analyses.
func TestReplicaWithoutRedisServesUnready(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer rdb.Close()
	w, err := worker.New(worker.Config{Redis: rdb, Providers: providers.ClientConfig{
		AnthropicURL: "http://127.0.0.1:1", SpotifyURL: "http://127.0.0.1:1", LastFMURL: "http://127.0.0.1:1",
		AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t",
	}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(ctx, listener, w.Handler()) }()
	r := &replica{url: "http://" + listener.Addr().String()}
	if got := r.do(t, http.MethodGet, "/livez", nil, nil).StatusCode; got != http.StatusOK {
		t.Errorf("/livez has status %d, want 200", got)
	}
	if got := r.do(t, http.MethodGet, "/readyz", nil, nil).StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("/readyz has status %d, want 503", got)
	}
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("analyze has status %s, want 503 with Retry-After", res.Status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestOrderlyEndLeavesNothing: a replica that ends in order leaves the fleet's list.
func TestOrderlyEndLeavesNothing(t *testing.T) {
	r := start(t, nil)
	// After one analysis the first record is certainly published.
	_, _ = io.Copy(io.Discard, r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil).Body)
	rdb := redis.NewClient(&redis.Options{Addr: r.redis.Addr()})
	defer rdb.Close()
	whole := func(f *fleet.Fleet) bool { // the first record may be older than the listener
		return len(f.Replicas) == 1 && f.Replicas[0].State == fleet.Up && f.Replicas[0].Tasks != nil && f.Replicas[0].Server != nil && f.Replicas[0].Server.Addr != ""
	}
	again, limit := time.NewTicker(50*time.Millisecond), time.After(10*time.Second)
	defer again.Stop()
	f, err := fleet.Read(t.Context(), rdb, "weir")
	for err == nil && !whole(f) {
		select {
		case <-again.C:
			f, err = fleet.Read(t.Context(), rdb, "weir")
		case <-limit:
			t.Fatalf("the replica did not publish a whole record in 10 s: %+v", f.Replicas)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if f, err = fleet.Read(t.Context(), rdb, "weir"); err != nil || len(f.Replicas) != 0 {
		t.Errorf("after the replica has ended, the fleet is %+v, %v, want no replicas", f, err)
	}
}

// TestConnectionsAreBounded: connections beyond the bound wait until another one is closed.
func TestConnectionsAreBounded(t *testing.T) {
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) { cfg.Connections = 1 })
	address := strings.TrimPrefix(r.url, "http://")
	dial := func() (net.Conn, chan error) {
		c, err := net.Dial("tcp", address) //nolint:noctx // of this machine
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		go func() {
			if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				answered <- err
				return
			}
			_, err := c.Read(make([]byte, 1))
			answered <- err
		}()
		return c, answered
	}
	first, answered := dial()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	second, answered := dial()
	defer second.Close()
	select {
	case err := <-answered:
		t.Fatalf("a connection beyond the bound was served: %v", err)
	case <-time.After(100 * time.Millisecond): // in real time: the server would serve it within this
	}
	_ = first.Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}
