package main

import (
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
)

// rate is tokens a second as a person writes it, "40" or "0.5", kept exactly.
type rate struct {
	tokens int64
	per    time.Duration
}

// UnmarshalText parses a positive decimal number.
func (r *rate) UnmarshalText(text []byte) error {
	q, ok := new(big.Rat).SetString(string(text))
	if !ok || q.Sign() <= 0 || !q.Num().IsInt64() || !q.Denom().IsInt64() || q.Denom().Int64() > 1_000_000 {
		return fmt.Errorf("rate %q: want a number of requests a second above 0, such as 40 or 0.5", text)
	}
	r.tokens, r.per = q.Num().Int64(), time.Duration(q.Denom().Int64())*time.Second
	return nil
}

// budgetFlags say what the fleet may do.
type budgetFlags struct {
	Rate      rate   `env:"WEIR_RATE" default:"40" placeholder:"N" help:"Requests a second of the whole fleet (${default})."`
	Burst     int64  `env:"WEIR_BURST" default:"40" placeholder:"N" help:"Requests at once, saved up while idle (${default}). Never more than 40 in any second means rate + burst <= 40."`
	Slots     int    `env:"WEIR_SLOTS" default:"10" placeholder:"N" help:"Requests under way at the same time, of each replica (${default})."`
	Namespace string `env:"WEIR_NAMESPACE" default:"weir" placeholder:"NAME" help:"Name under which the fleet shares its budget (${default})."`
}

// Validate refuses values that no limiter can keep.
func (b budgetFlags) Validate() error {
	if b.Burst < 1 {
		return fmt.Errorf("burst %d: want 1 or more", b.Burst)
	}
	if b.Slots < 1 {
		return fmt.Errorf("slots %d: want 1 or more", b.Slots)
	}
	if _, err := limiter.NewMemory(limiter.Config{
		Namespace: b.Namespace, Buckets: map[string][]limiter.Limit{"global": {b.limit()}},
	}); err != nil {
		return err
	}
	return nil
}

func (b budgetFlags) limit() limiter.Limit {
	return limiter.Limit{Tokens: b.Rate.tokens, Per: b.Rate.per, Burst: b.Burst}
}

// providerFlags say who is called. Keys come from the environment only, never from a command line that others see.
type providerFlags struct {
	Upstream string `env:"WEIR_UPSTREAM" placeholder:"URL" help:"Simulator to call instead of the real providers, such as http://127.0.0.1:9090."`
}

// apply fills in the part of a replica's configuration that concerns the providers.
func (p providerFlags) apply(cfg *worker.Config) error {
	c := &cfg.Providers
	c.Base = tracedTransport(http.DefaultTransport, cfg.TracerProvider, cfg.MeterProvider)
	if p.Upstream != "" {
		// The simulator wants a key as the real ones do, and looks no closer. The real keys stay here.
		const some = "simulated"
		c.AnthropicURL, c.SpotifyURL, c.LastFMURL = p.Upstream, p.Upstream, p.Upstream
		c.AnthropicKey, c.LastFMKey, c.SpotifyToken = some, some, some
		return nil
	}
	c.AnthropicKey, c.LastFMKey, c.SpotifyToken = os.Getenv("ANTHROPIC_API_KEY"), os.Getenv("LASTFM_API_KEY"), os.Getenv("SPOTIFY_ACCESS_TOKEN")
	cfg.Spotify = worker.SpotifyLogin{
		ClientID: os.Getenv("SPOTIFY_CLIENT_ID"), ClientSecret: os.Getenv("SPOTIFY_CLIENT_SECRET"), RefreshToken: os.Getenv("SPOTIFY_REFRESH_TOKEN"),
	}
	var missing []string
	if c.AnthropicKey == "" {
		missing = append(missing, "ANTHROPIC_API_KEY")
	}
	if c.LastFMKey == "" {
		missing = append(missing, "LASTFM_API_KEY")
	}
	if c.SpotifyToken == "" && (cfg.Spotify.ClientID == "" || cfg.Spotify.RefreshToken == "") {
		missing = append(missing, "SPOTIFY_ACCESS_TOKEN")
	}
	if len(missing) > 0 {
		return cli.Usagef("not set: %s; set them, or name a simulator with --upstream", strings.Join(missing, ", "))
	}
	if c.SpotifyToken != "" {
		cfg.Spotify = worker.SpotifyLogin{}
	}
	return nil
}
