package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// journal is a log whose lines can be waited for.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed, and replaced, with each line
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.more)
	j.more = make(chan struct{})
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// await returns when a line holds the text.
func (j *journal) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		j.mu.Lock()
		found, more := strings.Contains(j.text.String(), text), j.more
		j.mu.Unlock()
		if found {
			return
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("no line %q in\n%s", text, j)
		}
	}
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	close   func()
}

func newPipes() *pipes {
	p := &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			mine, its := net.Pipe()
			select {
			case p.dialled <- its:
				return mine, nil
			case <-p.closed:
				return nil, net.ErrClosed
			}
		},
	}}
}

// silent is a provider that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// TestEndInOrder: readiness ends first, and intake after the grace. Analyses have the time of the drain, and their streams end with error and
// done. Then the replica returns its reservations and withdraws its presence. Each step logs a line at its time, in this order. The test runs
// in virtual time.
func TestEndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, listener := newJournal(), newPipes()
		m, rdb := limitertest.Redis(t)
		w, err := worker.New(worker.Config{
			Redis: rdb, Grace: time.Minute, Drain: 5 * time.Minute, Deadline: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil)),
			Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t", Base: silent{}, Timeout: time.Hour},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- w.Serve(ctx, listener, w.Handler()) }()
		ask := func(method, path string, body io.Reader) *http.Response {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "text/csv")
			res, err := listener.client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = res.Body.Close() })
			return res
		}
		var streams [2]struct {
			text []byte
			err  error
		}
		var reading sync.WaitGroup
		post := func(i int) {
			res := ask(http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
			if res.StatusCode != http.StatusOK {
				t.Errorf("stream %d: status %s, want 200", i, res.Status)
			}
			reading.Go(func() { streams[i].text, streams[i].err = io.ReadAll(res.Body) })
		}
		time.Sleep(time.Second)
		post(0)

		began := time.Now()
		stop()
		time.Sleep(59 * time.Second)
		if res := ask(http.MethodGet, "/readyz", nil); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("/readyz within the grace: status %s, want 503", res.Status)
		}
		if res := ask(http.MethodGet, "/livez", nil); res.StatusCode != http.StatusOK {
			t.Errorf("/livez within the grace: status %s, want 200", res.Status)
		}
		post(1)
		reading.Wait()
		for i, stream := range streams {
			names, failure := namesOf(t, bytes.NewReader(stream.text))
			if n := len(names); n < 2 || names[n-2] != "error" || names[n-1] != "done" || stream.err != nil || !strings.Contains(failure.Error, worker.ErrEnding.Error()) {
				t.Errorf("stream %d: events %v, failure %+v, want ErrEnding and done at the end", i, names, failure)
			}
			if failure.Tasks == 0 || failure.Tasks != failure.Ended {
				t.Errorf("stream %d: failure %+v, want all tasks ended", i, failure)
			}
		}
		if took := time.Since(began).Truncate(time.Minute); took != 6*time.Minute {
			t.Errorf("the streams ended after %v, want 6 minutes", took)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		rest := log.String()
		for _, step := range []string{
			"msg=ready", "not ready any more", "reason=\"it ends\"", "taking no more analyses", "remaining analyses are cancelled, and their streams get the reason", "all streams have ended",
			"tasks have ended", "reservations returned", "presence withdrawn",
		} {
			_, after, found := strings.Cut(rest, step)
			if !found {
				t.Fatalf("no %q in its place in\n%s", step, log)
			}
			rest = after
		}
		if !strings.Contains(log.String(), "pending=0 in_flight=0") || strings.Contains(log.String(), "client left") {
			t.Errorf("want a log with no task left and no client that left:\n%s", log)
		}
		other := redis.NewClient(limitertest.Options(m))
		defer other.Close()
		if s, err := limiter.ReadSnapshot(t.Context(), other, "weir"); err != nil || s.Live != 0 {
			t.Errorf("the snapshot counts %d live replicas, error %v, want none", s.Live, err)
		}
	})
}

// namesOf reads a stream to its end.
func namesOf(t *testing.T, body io.Reader) (names []string, failure worker.Failure) {
	t.Helper()
	for e, err := range sse.Read(body) {
		if err != nil {
			t.Errorf("error %v after the events %v", err, names)
			return names, failure
		}
		names = append(names, e.Name)
		if e.Name == "error" {
			if err := json.Unmarshal(e.Data, &failure); err != nil {
				t.Fatal(err)
			}
		}
	}
	return names, failure
}

// TestEndWaitsForAnalyses: within the drain an analysis ends by itself. Then the replica ends without waiting for the rest of the drain.
func TestEndWaitsForAnalyses(t *testing.T) {
	log := newJournal()
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) {
		cfg.Drain = time.Minute
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze", bytes.NewReader(playlist.Sample()), nil)
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Contains(text, []byte("event: result")) || !bytes.HasSuffix(text, []byte("event: done\ndata: {}\n\n")) {
		t.Errorf("error %v, stream %s; want a result and the end", err, text)
	}
	if err := <-ended; err != nil || strings.Contains(log.String(), "are ended;") {
		t.Errorf("the worker ended with %v, and logged\n%s", err, log)
	}
}

// TestLogHasNoPlaylist: the log does not contain what a person listens to.
func TestLogHasNoPlaylist(t *testing.T) {
	log := newJournal()
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	body := `{"name":"Secret Mix","tracks":[{"name":"Secret Song","artists":["Secret Artist"]}]}`
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze?name=Secret", strings.NewReader(body), func(req *http.Request) {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Request-Id", "one")
	})
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	log.await(t, `msg=request request=one method=POST route="POST /v1/playlists/analyze" status=200`)
	log.await(t, `msg="analysis ended" request=one`)
	if strings.Contains(log.String(), "Secret") {
		t.Errorf("the log contains a part of the playlist:\n%s", log)
	}
}
