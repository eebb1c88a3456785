package main

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
)

// TestLimitsOfProviders: flags and the environment say what one provider allows, as rates and as windows, several for each.
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

// TestListensOnThisMachine: without a flag or a token nobody else can reach a replica.
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
