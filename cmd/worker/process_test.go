package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// line is a log line of serve.
type line struct {
	Msg, Addr string
	InOrder   bool `json:"in_order"`
	Pending   int
	InFlight  int `json:"in_flight"`
}

// replicaProcess is a process of the command serve.
type replicaProcess struct {
	cmd   *exec.Cmd
	began time.Time
	url   string
	ready time.Duration // from the start of the process to its line "ready"
	lines chan line     // closed at the end of the process
	log   *bytes.Buffer // complete once lines is closed
}

// built compiles the command, once for all tests that run it as a process.
var built = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "weir-worker-"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, ".").CombinedOutput() // without data for debuggers, which makes the build faster
	if err != nil {
		err = fmt.Errorf("go build: %w: %s", err, out)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	status := m.Run()
	if wasBuilt.Load() {
		dir, _ := built()
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

var wasBuilt atomic.Bool

func build(t *testing.T) string {
	t.Helper()
	wasBuilt.Store(true)
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "worker")
}

// startServe starts the command and returns when it is ready.
func startServe(t *testing.T, binary string, env ...string) *replicaProcess {
	t.Helper()
	p := &replicaProcess{cmd: exec.Command(binary, "serve", "--addr", "127.0.0.1:0"), lines: make(chan line, 1000), log: &bytes.Buffer{}} //nolint:noctx // the test ends it
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "WEIR_") || strings.HasPrefix(v, "OTEL_") || strings.HasPrefix(v, "REDIS_")
	}), env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // if the test fails before the process has ended
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			p.log.Write(append(in.Bytes(), '\n'))
			var l line
			if json.Unmarshal(in.Bytes(), &l) == nil {
				p.lines <- l
			}
		}
	}()
	p.url = "http://" + p.await(t, "listening").Addr
	p.await(t, "ready")
	p.ready = time.Since(p.began)
	return p
}

// await returns the next line with this message.
func (p *replicaProcess) await(t *testing.T, msg string) line {
	t.Helper()
	for l := range p.lines {
		if strings.Contains(l.Msg, msg) {
			return l
		}
	}
	t.Fatalf("the process ended without %q:\n%s", msg, p.log)
	return line{}
}

func (p *replicaProcess) signal(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func (p *replicaProcess) get(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// keepBusy posts one playlist after the other until the replica accepts no more. Each stream has to end with the event done, and each task needs an
// outcome.
func (p *replicaProcess) keepBusy(t *testing.T, event func(), streams, failed *atomic.Int64) {
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "text/csv")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return // the port is closed
		}
		if res.StatusCode != http.StatusOK {
			_ = res.Body.Close()
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
				t.Errorf("%s, %v", res.Status, res.Header)
			}
			return
		}
		streams.Add(1)
		last, tasks := "", struct{ Tasks, Ended int }{}
		for e, err := range sse.Read(res.Body) {
			if err != nil {
				t.Errorf("the stream was cut after %q: %v", last, err)
				break
			}
			if e.Name == "result" || e.Name == "error" {
				if err := json.Unmarshal(e.Data, &tasks); err != nil {
					t.Error(err)
				}
			}
			if e.Name == "error" {
				failed.Add(1)
			}
			last = e.Name
			event()
		}
		_ = res.Body.Close()
		if last != "done" || tasks.Tasks == 0 || tasks.Tasks != tasks.Ended {
			t.Errorf("a stream ended with %q, %+v", last, tasks)
		}
	}
}

// TestSignalsUnderLoad ends the command five times, or twenty times with WEIR_ROWS=all, while six clients keep it busy. Each time their analyses
// are a little further. Each stream has to end with the event done, and each task needs an outcome. Redis must not list the replica any more. The
// exit status is 0, and each step of the end has a log line.
func TestSignalsUnderLoad(t *testing.T) {
	const clients = 6
	signals := 5
	if os.Getenv("WEIR_ROWS") == "all" {
		signals = 20
	}
	binary := build(t)
	m := miniredis.RunT(t)
	cfg := upstream.Default()
	cfg.Total.Rate, cfg.Total.Burst, cfg.Latency = 10_000, 10_000, upstream.Latency{Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}
	sim, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	defer srv.Close()
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer rdb.Close()
	var ready, took []time.Duration
	var streams, failed atomic.Int64
	for i := range signals {
		p := startServe(t, binary, "REDIS_URL=redis://"+m.Addr(), "WEIR_UPSTREAM="+srv.URL, "WEIR_RATE=10000", "WEIR_BURST=10000", "WEIR_GRACE=20ms", "WEIR_DRAIN=100ms")
		ready = append(ready, p.ready)
		if p.get(t, "/readyz") != http.StatusOK || p.get(t, "/livez") != http.StatusOK {
			t.Error("/readyz or /livez fails after the line \"ready\"")
		}
		var events atomic.Int64
		enough := make(chan struct{})
		event := func() {
			if events.Add(1) == int64(clients+i*400/signals) {
				close(enough)
			}
		}
		var busy sync.WaitGroup
		for range clients {
			busy.Go(func() { p.keepBusy(t, event, &streams, &failed) })
		}
		<-enough
		began := time.Now()
		p.signal(t)
		for _, step := range []string{
			"not ready any more", "taking no more analyses", "all streams have ended", "tasks have ended", "reservations returned", "presence withdrawn",
			"telemetry flushed",
		} {
			if l := p.await(t, step); l.Pending != 0 || l.InFlight != 0 {
				t.Errorf("%+v", l)
			}
		}
		if !p.await(t, "ended").InOrder {
			t.Errorf("not in order:\n%s", p.log)
		}
		for range p.lines { // to its end
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, p.log)
		}
		took = append(took, time.Since(began))
		busy.Wait()
		if s, err := limiter.ReadSnapshot(t.Context(), rdb, "weir"); err != nil || s.Live != 0 {
			t.Errorf("%d replicas live, %v", s.Live, err)
		}
		if f, err := fleet.Read(t.Context(), rdb, "weir"); err != nil || len(f.Replicas) != 0 {
			t.Errorf("the fleet's list has %+v, %v", f, err)
		}
		if t.Failed() {
			t.Fatalf("signal %d:\n%s", i+1, p.log)
		}
	}
	slices.Sort(ready)
	slices.Sort(took)
	t.Logf("%d signals, %d streams, %d of them ended with an error and done; from start to ready %v to %v, median %v; from signal to exit %v to %v",
		signals, streams.Load(), failed.Load(), ready[0], ready[signals-1], ready[signals/2], took[0], took[signals-1])
	if failed.Load() == 0 {
		t.Error("no stream was open at any signal")
	}
}

// TestSecondSignalEndsAtOnce checks that a second signal ends the process during the drain, with status 143.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	never := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before the end of the body, the server does not notice that the client has gone
		<-r.Context().Done()
	}))
	defer never.Close()
	p := startServe(t, build(t), "WEIR_UPSTREAM="+never.URL, "WEIR_DRAIN=10h", "WEIR_GRACE=0s")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/csv")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() // an open stream, for which the drain waits
	p.signal(t)
	p.await(t, "taking no more analyses")
	p.signal(t)
	for range p.lines { // to its end
	}
	if _ = p.cmd.Wait(); p.cmd.ProcessState.ExitCode() != cli.Terminated {
		t.Errorf("%v\n%s", p.cmd.ProcessState, p.log)
	}
}

// TestGraceTakesAnalyses checks a replica during its grace after a signal: it is not ready, and it accepts analyses over new connections.
func TestGraceTakesAnalyses(t *testing.T) {
	p := startServe(t, build(t), "WEIR_UPSTREAM="+simulator(t, nil), "WEIR_RATE=1000", "WEIR_BURST=1000", "WEIR_GRACE=10h")
	p.signal(t)
	p.await(t, "not ready any more")
	for range 3 {
		http.DefaultClient.CloseIdleConnections()
		if ready, alive := p.get(t, "/readyz"), p.get(t, "/livez"); ready != http.StatusServiceUnavailable || alive != http.StatusOK {
			t.Errorf("within the grace /readyz answers %d and /livez %d", ready, alive)
		}
		http.DefaultClient.CloseIdleConnections()
		if events := post(t, p.url, `{"name":"n","tracks":[{"name":"t","artists":["a"]}]}`); !strings.Contains(events, "event: result\n") || !strings.HasSuffix(events, "event: done\ndata: {}\n\n") {
			t.Errorf("within the grace an analysis had the events:\n%s", events)
		}
	}
	p.signal(t)         // ends the grace of ten hours
	for range p.lines { // to its end
	}
	if _ = p.cmd.Wait(); p.cmd.ProcessState.ExitCode() != cli.Terminated {
		t.Errorf("%v\n%s", p.cmd.ProcessState, p.log)
	}
}

// TestTokenIsAskedForAndNotPrinted checks that a replica on all interfaces requires its token, and that the token is not in its log.
func TestTokenIsAskedForAndNotPrinted(t *testing.T) {
	const token = "hunter2-hunter2-hunter2"
	p := startServe(t, build(t), "WEIR_UPSTREAM=http://127.0.0.1:1", "WEIR_TOKEN="+token, "WEIR_GRACE=0s")
	if got := p.get(t, "/v1/anything"); got != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got)
	}
	if got := p.get(t, "/readyz"); got != http.StatusOK {
		t.Errorf("a probe: %d", got)
	}
	p.signal(t)
	for range p.lines { // to its end
	}
	if err := p.cmd.Wait(); err != nil || strings.Contains(p.log.String(), "hunter2") {
		t.Errorf("%v\n%s", err, p.log)
	}
}
