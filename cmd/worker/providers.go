package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/providers"
)

// providerFlags say who is called, and how often each. Keys come from the environment only, never from a command line that others see.
type providerFlags struct {
	Upstream string   `env:"WEIR_UPSTREAM" placeholder:"URL" help:"Simulator to call instead of the real providers, such as http://127.0.0.1:9090."`
	API      []string `name:"api" env:"WEIR_API" placeholder:"NAME=LIMIT" help:"A further limit of one provider (anthropic, spotify, lastfm) for the whole fleet: RATE:BURST such as spotify=10:5, or N/DURATION such as anthropic=50/1m; of tokens, anthropic-input=500:30000 or anthropic-output. Several are separated by commas, also for one provider."`
	Model    string   `env:"WEIR_MODEL" placeholder:"NAME" help:"Model of Claude that answers the questions; without it the current Sonnet."`
	Narrator string   `name:"narrator-model" env:"WEIR_NARRATOR_MODEL" placeholder:"NAME" help:"Model of Claude that comments; without it the current Haiku."`
}

// Validate names the flag that is wrong.
func (p providerFlags) Validate() error {
	if p.Upstream != "" {
		u, err := url.Parse(p.Upstream)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			shown := strconv.Quote(p.Upstream)
			if strings.Contains(p.Upstream, "@") {
				shown = "with a user" // whose password nobody should read
			}
			return fmt.Errorf("--upstream (or WEIR_UPSTREAM) %s: want a URL, such as http://127.0.0.1:9090", shown)
		}
	}
	_, err := p.limits()
	return err
}

// limits are those of single providers.
func (p providerFlags) limits() (map[string][]limiter.Limit, error) {
	if len(p.API) == 0 {
		return nil, nil
	}
	all := map[string][]limiter.Limit{}
	for _, text := range p.API {
		name, written, _ := strings.Cut(text, "=")
		limit, err := parseLimit(written)
		names := []string{providers.APIAnthropic, providers.APISpotify, providers.APILastFM, worker.InputTokens, worker.OutputTokens}
		if err != nil || !slices.Contains(names, name) {
			return nil, fmt.Errorf("--api (or WEIR_API) %q: want NAME=RATE:BURST or NAME=N/DURATION, such as spotify=10:5 or anthropic=50/1m; the names are %s", text, strings.Join(names, ", "))
		}
		all[name] = append(all[name], limit)
	}
	if _, err := limiter.NewMemory(limiter.Config{Buckets: all}); err != nil {
		return nil, fmt.Errorf("--api (or WEIR_API) %s: %w", strings.Join(p.API, ", "), err)
	}
	return all, nil
}

// parseLimit reads "10:5", tokens a second and burst, or "50/1m", a window.
func parseLimit(text string) (limiter.Limit, error) {
	if n, per, err := parseWindow(text); err == nil && n > 0 && per > 0 {
		return limiter.PerWindow(n, per), nil
	}
	perSecond, burst, err := cutBucket(text)
	var r rate
	if err := firstError(err, r.UnmarshalText([]byte(perSecond))); err != nil || burst <= 0 {
		return limiter.Limit{}, fmt.Errorf("limit %q", text)
	}
	return limiter.Limit{Tokens: r.tokens, Per: r.per, Burst: burst}, nil
}

// apply fills in the part of a replica's configuration that concerns the providers.
func (p providerFlags) apply(cfg *worker.Config) error {
	var err error
	if cfg.APIs, err = p.limits(); err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	c := &cfg.Providers
	c.Base = tracedTransport(http.DefaultTransport, cfg.TracerProvider, cfg.MeterProvider)
	c.Model, c.NarratorModel = p.Model, p.Narrator
	if p.Upstream != "" {
		// The simulator wants a key as the real ones do, and looks no closer. The real keys stay here.
		const some = "simulated"
		c.AnthropicURL, c.SpotifyURL, c.LastFMURL = p.Upstream, p.Upstream, p.Upstream
		c.AnthropicKey, c.LastFMKey, c.SpotifyToken = some, some, some
		c.SpotifyScopes = []string{"playlist-modify-private", "playlist-read-private"}
		return nil
	}
	c.AnthropicKey, c.LastFMKey = os.Getenv("ANTHROPIC_API_KEY"), os.Getenv("LASTFM_API_KEY")
	if c.SpotifyToken = os.Getenv(accessTokenVariable); c.SpotifyToken == "" {
		if c.SpotifyLogin, err = spotifyLogin(); err != nil {
			return err
		}
	}
	if missing := missingKeys(); len(missing) > 0 {
		return cli.Usagef("not set: %s; set %s, or name a simulator with --upstream", strings.Join(missing, ", "), itOrThem(len(missing)))
	}
	return nil
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
