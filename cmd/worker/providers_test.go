package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

// TestLimitsOfProviders checks that flags and the environment set several limits of a provider, as rates and as windows.
func TestLimitsOfProviders(t *testing.T) {
	want := map[string][]limiter.Limit{
		"spotify": {limiter.PerSecond(10, 5), limiter.PerWindow(100, 30*time.Second)}, "anthropic": {limiter.PerWindow(50, time.Minute)},
		"lastfm": {{Tokens: 1, Per: 2 * time.Second, Burst: 3}},
	}
	for name, c := range map[string]struct {
		env  string
		args []string
	}{
		"flags":           {"", []string{"--api", "spotify=10:5", "--api", "spotify=100/30s", "--api", "anthropic=50/1m", "--api", "lastfm=0.5:3"}},
		"the environment": {"spotify=10:5,spotify=100/30s,anthropic=50/1m,lastfm=0.5:3", nil},
	} {
		for _, command := range [][]string{{"serve"}, {"analyze", "x"}} {
			t.Setenv("WEIR_API", c.env)
			var g grammar
			parser, err := kong.New(&g)
			if err != nil {
				t.Fatal(err)
			}
			args := append(append(command, "--upstream", "http://127.0.0.1:1"), c.args...)
			if _, err := parser.Parse(args); err != nil {
				t.Errorf("%s, %v: %v", name, args, err)
			}
			flags := g.Serve.providerFlags
			if command[0] == "analyze" {
				flags = g.Analyze.providerFlags
			}
			var cfg worker.Config
			if err := flags.apply(&cfg); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, cfg.APIs); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, command[0], diff)
			}
		}
	}
}

// TestListensOnThisMachine checks that a replica without --allow-anyone and without a token listens on loopback only.
func TestListensOnThisMachine(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		flags callerFlags
		ok    bool
	}{
		"by default":              {nil, callerFlags{}, true},
		"a port":                  {map[string]string{"PORT": "0"}, callerFlags{}, true},
		"localhost":               {nil, callerFlags{Addr: "localhost:0"}, true},
		"another of this machine": {nil, callerFlags{Addr: "127.1.2.3:0"}, true},
		"all interfaces":          {nil, callerFlags{Addr: ":0"}, false},
		"an empty address":        {nil, callerFlags{Addr: "0.0.0.0:0"}, false},
		"with a token":            {map[string]string{tokenVariable: "0123456789abcdef"}, callerFlags{Addr: ":0"}, true},
		"with the flag":           {nil, callerFlags{Addr: ":0", AllowAnyone: true}, true},
		"with an empty token":     {map[string]string{tokenVariable: ""}, callerFlags{Addr: ":0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PORT", "0")
			t.Setenv(tokenVariable, "")
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			l, err := c.flags.listen(t.Context())
			if (err == nil) != c.ok {
				t.Error(err)
			}
			if err == nil {
				t.Log(l.Addr())
				_ = l.Close()
			}
		})
	}
}

// TestLimitOfAProviderBinds checks that a limit of one provider bounds the calls to that provider and not the calls to the others. The window is
// longer than the test, so the limit is a count.
func TestLimitOfAProviderBinds(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(sample, playlist.Sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	const most = 7
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"flag": {nil, []string{"--api", "lastfm=7/1h"}}, "environment": {map[string]string{"WEIR_API": "anthropic=1000:1000,lastfm=7/1h"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sim, err := upstream.New(upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 1000}})
			if err != nil {
				t.Fatal(err)
			}
			enough := make(chan struct{})
			var calls, more atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/2.0") {
					if calls.Add(1) == most {
						close(enough)
					}
				} else {
					more.Add(1)
				}
				sim.ServeHTTP(w, r)
			}))
			defer s.Close()
			clean(t, c.env)
			ctx, cancel := context.WithCancel(t.Context())
			over := make(chan error, 1)
			var g struct {
				Analyze analyzeCmd `cmd:""`
			}
			parser, err := kong.New(&g)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(append([]string{"analyze", sample, "--upstream", s.URL, "--rate", "1000", "--burst", "1000"}, c.args...)); err != nil {
				t.Fatal(err)
			}
			cmd := g.Analyze
			go func() { over <- cmd.Run(ctx, cli.Streams{Out: io.Discard, Err: io.Discard}) }()
			select {
			case <-enough:
			case err := <-over:
				t.Fatalf("the analysis ended after %d calls: %v", calls.Load(), err)
			}
			// Calls to the other providers continue while calls to Last.fm wait.
			for more.Load() < 4*most {
				runtime.Gosched()
			}
			cancel()
			if err := <-over; err == nil {
				t.Error("an interrupted analysis returned no error")
			}
			t.Logf("%d calls of Last.fm, %d of the others", calls.Load(), more.Load())
			if n := calls.Load(); n != most {
				t.Errorf("%d calls of Last.fm, want %d", n, most)
			}
		})
	}
}
