package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/upstream"
)

// clean removes the configuration from the environment of the test, and sets env.
func clean(t *testing.T, env map[string]string) {
	t.Helper()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "WEIR_") || strings.HasPrefix(name, "OTEL_") || strings.HasSuffix(name, "_KEY") || strings.HasPrefix(name, "SPOTIFY_") || name == "REDIS_URL" || name == "PORT" {
			t.Setenv(name, "")
			_ = os.Unsetenv(name) // Setenv restores the old value after the test
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// simulator starts a simulator and returns its URL.
func simulator(t *testing.T, change func(*upstream.Config)) string {
	t.Helper()
	cfg := upstream.Default()
	cfg.Latency, cfg.Total = upstream.Latency{}, upstream.Limit{Rate: 1000, Burst: 1000}
	if change != nil {
		change(&cfg)
	}
	sim, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(sim)
	t.Cleanup(s.Close)
	return s.URL
}

// lines is a log in which a test can wait for a line.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed by the next write
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// field waits for the first line with a message and returns one of its fields.
func (l *lines) field(t *testing.T, message, name string, over <-chan error) string {
	t.Helper()
	for {
		l.mu.Lock()
		more := l.more
		if more == nil {
			more = make(chan struct{})
			l.more = more
		}
		text := l.text.String()
		l.mu.Unlock()
		for line := range strings.Lines(text) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
				value, _ := fields[name].(string)
				return value
			}
		}
		select {
		case <-more:
		case err := <-over:
			t.Fatalf("serve ended before %q: %v\n%s", message, err, l)
		case <-t.Context().Done():
			t.Fatalf("no line %q:\n%s", message, l)
		}
	}
}

// served is a running command serve.
type served struct {
	url, admin string // of its two ports; admin is "" if the port is off
	stderr     *lines
	stdout     *bytes.Buffer
	end        func() error // ends the command like a signal, and returns its error
}

// serve starts the command with an environment, an embedded Redis and a simulator, and returns when it is ready.
func serve(t *testing.T, env map[string]string) *served {
	t.Helper()
	clean(t, env)
	if env["WEIR_UPSTREAM"] == "" {
		t.Setenv("WEIR_UPSTREAM", simulator(t, nil))
	}
	cli.QuietRedis()
	var g grammar
	parser, err := kong.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--addr", "127.0.0.1:0", "--rate", "1000", "--burst", "1000", "--drain", "1m"}); err != nil {
		t.Fatal(err)
	}
	s := &served{stderr: &lines{}, stdout: &bytes.Buffer{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	over := make(chan error, 1)
	go func() {
		defer close(over)
		over <- g.Serve.Run(ctx, cli.Streams{Out: s.stdout, Err: s.stderr})
	}()
	s.end = sync.OnceValue(func() error {
		cancel()
		return <-over
	})
	t.Cleanup(func() { _ = s.end() })
	s.url = "http://" + s.stderr.field(t, "listening", "addr", over)
	if env["WEIR_ADMIN"] != noAdmin {
		s.admin = "http://" + s.stderr.field(t, "metrics", "admin", over)
	}
	for status := 0; status != http.StatusOK; {
		status, _ = get(t, s.url+"/readyz")
	}
	return s
}

// post posts a playlist to a replica and returns the events of the analysis.
func post(t *testing.T, url, playlist string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/playlists/analyze", strings.NewReader(playlist))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	status, body := send(t, req)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	return body
}

// get returns the status and the body of a page.
func get(t *testing.T, url string, header ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (status int, body string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
