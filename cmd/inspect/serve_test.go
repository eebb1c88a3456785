package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// TestServe checks that the page is at the address that the command prints, and that an interrupt ends the command without an error.
func TestServe(t *testing.T) {
	serve(t)
	t.Setenv("WEIR_TOKEN", "")
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	c := &serveCmd{common: common{Namespace: "shop", Timeout: time.Second}, Addr: "127.0.0.1:0", Interval: time.Second, Stale: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, cli.Streams{Out: io.Discard, Err: out}) }()
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || !strings.Contains(line, "namespace shop is shown at http://127.0.0.1:") {
		t.Fatal(line, err)
	}
	res, err := http.Get(strings.TrimSpace(line[strings.Index(line, "http"):]) + "api/v1/report") //nolint:noctx // the server is this process
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"namespace":"shop"`) {
		t.Errorf("%s: %s, %v", res.Status, body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServeIsCalledWrongly(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		args   []string
		status int
		want   string
	}{
		"not an address":     {"", []string{"--addr", "7070"}, cli.Usage, "want HOST:PORT"},
		"not a port":         {"", []string{"--addr", "127.0.0.1:x"}, cli.Usage, "want HOST:PORT"},
		"beyond the machine": {"", []string{"--addr", "0.0.0.0:0"}, cli.Usage, "set WEIR_TOKEN"},
		"on all addresses":   {"", []string{"--addr", ":0"}, cli.Usage, "set WEIR_TOKEN"},
		"a short token":      {"secret", []string{"--addr", "127.0.0.1:0"}, cli.Usage, "16 characters"},
		"always stale":       {"", []string{"--interval", "20s"}, cli.Usage, "stale"},
		"too often":          {"", []string{"--interval", "1ms"}, cli.Usage, "interval"},
		"taken":              {"", []string{"--addr", "127.0.0.1:1"}, cli.Failed, "--addr"},
	} {
		if name == "taken" {
			s := serveOn(t)
			c.args[1] = s
		}
		t.Setenv("WEIR_TOKEN", c.token)
		status, stdout, stderr := run(append([]string{"serve"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "secret") {
			t.Errorf("%s: status %d: %q %q", name, status, stdout, stderr)
		}
	}
}

// serveOn listens on a free port and returns its address.
func serveOn(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
