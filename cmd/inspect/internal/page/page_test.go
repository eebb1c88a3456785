package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/sse"
)

func TestMain(m *testing.M) {
	cli.QuietRedis()
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fleet starts a Redis with some replicas and two buckets: one is paused, one has a queue.
func fleet(t *testing.T, replicas int) *miniredis.Miniredis {
	t.Helper()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	l, err := limiter.New(t.Context(), rdb, limiter.Config{
		Publish: -1, Buckets: map[string][]limiter.Limit{"a-fine-one": {limiter.PerSecond(40, 40)}, "paused": {limiter.PerSecond(5, 5)}},
	})
	must(t, err)
	must(t, l.Pause(t.Context(), "paused", limiter.UntilResumed))
	must(t, l.Close(t.Context()))
	for i := range replicas {
		record := limiter.Record{
			Version: limiter.RecordVersion, ID: fmt.Sprintf("replica-%03d", i), Host: "crawler", EveryMS: 2000,
			Routes:   []limiter.RouteRecord{{Route: "tracks", Buckets: []string{"a-fine-one"}, Waiting: 3, OldestMS: 1234}},
			Buckets:  map[string]limiter.BucketRecord{"a-fine-one": {Used: 100, UsedS: float64(i)}},
			Sections: map[string]json.RawMessage{"secret": json.RawMessage(`"only in the record"`)},
		}
		text, err := json.Marshal(record)
		must(t, err)
		_, err = lua.Heartbeat(t.Context(), rdb, "weir", record.ID, text, time.Minute, time.Hour)
		must(t, err)
	}
	return m
}

// running is a server that serves.
type running struct {
	*Server
	url string
	end func() // ends the server and waits for it
}

func run(t *testing.T, m *miniredis.Miniredis, cfg Config) *running {
	t.Helper()
	at, err := cli.ParseRedis("redis://" + m.Addr())
	must(t, err)
	src := watch.Open(at, "weir", time.Second)
	cfg.Source = src
	if cfg.Interval == 0 {
		cfg.Interval = 20 * time.Millisecond
	}
	s, err := New(cfg)
	must(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	r := &running{Server: s, url: "http://" + l.Addr().String()}
	r.end = func() {
		if cancel != nil {
			cancel()
			cancel = nil
			if err := <-ended; err != nil {
				t.Error(err)
			}
			src.Close()
		}
	}
	t.Cleanup(func() { r.end(); http.DefaultClient.CloseIdleConnections() })
	return r
}

func (r *running) readers() int {
	r.poller.mu.Lock()
	defer r.poller.mu.Unlock()
	return r.poller.readers
}

func (r *running) do(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
	must(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// stream is an open stream of events.
type stream struct {
	*http.Response
	next func() (sse.Event, bool)
}

func (r *running) stream(t *testing.T) *stream {
	t.Helper()
	res := r.do(t, http.MethodGet, "/api/v1/events")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(res.Status, res.Header)
	}
	events := make(chan sse.Event)
	gone := t.Context()
	go func() {
		defer close(events)
		for ev, err := range sse.Read(res.Body) {
			if err != nil {
				return
			}
			ev.Data = append([]byte(nil), ev.Data...)
			select {
			case events <- ev:
			case <-gone.Done():
				return
			}
		}
	}()
	return &stream{res, func() (sse.Event, bool) {
		select {
		case ev, ok := <-events:
			return ev, ok
		case <-time.After(20 * time.Second):
			t.Error("no event in 20 s")
			return sse.Event{}, false
		}
	}}
}

// until reads to the next event of a name.
func (s *stream) until(t *testing.T, name string) sse.Event {
	t.Helper()
	for {
		ev, ok := s.next()
		if !ok {
			t.Fatalf("the stream ended before an event %s", name)
		}
		if ev.Name == name {
			return ev
		}
	}
}

// eventually polls until ok returns true, for conditions without a signal.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(until) {
			t.Fatal(what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
