package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/upstream"
)

type upstreamCmd struct {
	Addr       string        `env:"WEIR_UPSTREAM_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	Rate       float64       `env:"WEIR_RATE" default:"40" range:"0.001 to 1000000" help:"Requests a second that all callers share (${default})."`
	Burst      int64         `env:"WEIR_BURST" default:"40" range:"1 to 1000000" help:"Requests that may arrive at once after an idle time (${default})."`
	Slack      time.Duration `default:"50ms" range:"0 to 5s" help:"How late a request may arrive for its token (${default}). 0 is a strict provider."`
	Window     string        `placeholder:"N/DURATION" help:"Also at most N requests in any period of DURATION, such as 40/1s. With --rate 0 --burst 0 it is the only limit."`
	Fixed      bool          `name:"fixed-window" help:"Windows begin at multiples of their length instead of sliding."`
	API        []string      `placeholder:"NAME=LIMIT" help:"Another limit of one provider: RATE:BURST such as spotify=10:5, or N/DURATION such as anthropic=50/1m. May be repeated."`
	LatencyMin time.Duration `default:"50ms" range:"0 to --latency-max" help:"Shortest time until an answer (${default})."`
	LatencyMax time.Duration `default:"300ms" range:"--latency-min to 1m" help:"Longest time until an answer (${default})."`
	Seed       uint64        `default:"1" range:"0 or more" help:"Seed of latencies, errors and contents (${default})."`
	Failures   float64       `default:"0" range:"0 to 1" help:"Share of requests that fail, 0 to 1 (${default})."`
	Overloaded float64       `default:"0" range:"0 to 1" help:"Share of Anthropic requests answered 529, 0 to 1 (${default})."`
	Models     []string      `name:"model" placeholder:"NAME" help:"Model that Anthropic serves. Without it, the models of November 2026. May be repeated."`
	DenyAudio  bool          `name:"deny-audio-features" help:"Answer 403 to audio features, as Spotify does to new apps."`
	scenarioFlags
}

func (c *upstreamCmd) config() (upstream.Config, error) {
	cfg := upstream.Config{
		Total:   upstream.Limit{Rate: c.Rate, Burst: c.Burst},
		Slack:   c.Slack,
		Latency: upstream.Latency{Min: c.LatencyMin, Max: c.LatencyMax},
		Seed:    c.Seed, Failures: c.Failures, Overloaded: c.Overloaded, DenyAudioFeatures: c.DenyAudio, Models: c.Models,
	}
	if c.Window != "" {
		n, per, err := parseWindow(c.Window)
		if err != nil {
			return cfg, fmt.Errorf("--window %q: want N/DURATION, such as 40/1s", c.Window)
		}
		cfg.Total.Window = upstream.Window{N: int(n), Per: per, Fixed: c.Fixed}
	}
	for _, text := range c.API {
		if cfg.PerAPI == nil {
			cfg.PerAPI = map[upstream.API]upstream.Limit{}
		}
		name, written, _ := strings.Cut(text, "=")
		limit, err := simulatedLimit(written)
		if err != nil {
			return cfg, fmt.Errorf("--api %q: want NAME=RATE:BURST or NAME=N/DURATION, such as spotify=10:5", text)
		}
		cfg.PerAPI[upstream.API(name)] = limit
	}
	err := c.apply(&cfg, c.Fixed)
	return cfg, err
}

// Validate returns an error that names the flag that is wrong.
func (c *upstreamCmd) Validate() error {
	if err := validAddr("--addr", c.Addr); err != nil {
		return err
	}
	switch {
	case c.LatencyMin < 0:
		return fmt.Errorf("--latency-min %v: want 0 or more", c.LatencyMin)
	case c.LatencyMin > c.LatencyMax:
		return fmt.Errorf("--latency-min %v: want at most --latency-max, %v", c.LatencyMin, c.LatencyMax)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if _, err = upstream.New(cfg); err != nil {
		return ofFlag(strings.TrimPrefix(err.Error(), "upstream: "))
	}
	return nil
}

// ofFlag adds the name of the flag to an error of the simulator. The simulator names fields of its configuration, which are not the flags.
func ofFlag(refusal string) error {
	for _, of := range []struct{ says, flag string }{
		{"stretch ", "stretch"},
		{"strangers ", "strangers"},
		{"schedule change ", "change"},
		{"retry-after", "retry-after"},
		{"total rate", "rate"},
		{"total burst", "burst"},
		{"total window", "window"},
		{"slack is", "slack"},
		{"latency is", "latency-max"},
		{"share of failures", "failures"},
		{"share of overloaded", "overloaded"},
		{"output median", "output-median"},
		{"output sigma", "output-sigma"},
		{"headers dialect", "headers"},
		{"model", "model"},
		{"input-tokens", "input-tokens"},
		{"output-tokens", "output-tokens"},
		{"tokens per", "total-tokens"},
		{"tokens burst", "total-tokens"},
		{" rate is", "api"},
		{" burst is", "api"},
		{" window ", "api"},
		{"of a limit", "api"},
		{"api ", "api"},
	} {
		if strings.Contains(refusal, of.says) {
			return fmt.Errorf("--%s: %s", of.flag, refusal)
		}
	}
	return errors.New(refusal)
}

// Run serves until ctx ends.
func (c *upstreamCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := c.config()
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	sim, err := upstream.New(cfg)
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	listener, err := listen(ctx, c.Addr)
	if err != nil {
		return err
	}
	logger(s.Err).InfoContext(ctx, "simulating anthropic, spotify and last.fm", "addr", listener.Addr().String(),
		"rate", c.Rate, "burst", c.Burst, "slack", c.Slack.String())
	return serveHTTP(ctx, listener, sim, patience)
}

// patience is how long a server waits at its end for requests in flight.
const patience = 5 * time.Second

// serveHTTP serves a handler until ctx ends. Then it waits for requests in flight, at most for patience, and ends those that take longer. That is
// no error.
func serveHTTP(ctx context.Context, listener net.Listener, h http.Handler, patience time.Duration) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	var work errgroup.Group
	serving, end := context.WithCancel(ctx)
	work.Go(func() error {
		defer end()
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	work.Go(func() error {
		<-serving.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return srv.Close()
	})
	return work.Wait()
}
