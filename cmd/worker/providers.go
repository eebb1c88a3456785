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

// providerFlags are the providers that a replica calls, and the limits of each. Keys come from the environment only, because other users of the
// machine can read command lines.
type providerFlags struct {
	Upstream string   `env:"WEIR_UPSTREAM" placeholder:"URL" help:"Simulator to call instead of the real providers, such as http://127.0.0.1:9090."`
	API      []string `name:"api" env:"WEIR_API" placeholder:"NAME=LIMIT" help:"Another limit of one provider (anthropic, spotify, lastfm) for the whole fleet: RATE:BURST such as spotify=10:5, or N/DURATION such as anthropic=50/1m. For a limit of tokens: anthropic-input=500:30000 or anthropic-output. Separate several with commas. A provider may have several."`
	Model    string   `env:"WEIR_MODEL" placeholder:"NAME" help:"Claude model that answers the questions. Without it, the current Sonnet."`
	Narrator string   `name:"narrator-model" env:"WEIR_NARRATOR_MODEL" placeholder:"NAME" help:"Claude model that writes the comments. Without it, the current Haiku."`
}

// Validate returns an error that names the flag that is wrong.
func (p providerFlags) Validate() error {
	if p.Upstream != "" {
		u, err := url.Parse(p.Upstream)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			shown := strconv.Quote(p.Upstream)
			if strings.Contains(p.Upstream, "@") {
				shown = "with a user" // the URL may contain a password
			}
			return fmt.Errorf("--upstream (or WEIR_UPSTREAM) %s: want a URL, such as http://127.0.0.1:9090", shown)
		}
	}
	_, err := p.limits()
	return err
}

// limits returns the limits of single providers, by the name of the provider or of its tokens. It returns nil if the flag is not set.
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

// parseLimit parses a bucket such as "10:5" (tokens a second and burst), or a window such as "50/1m".
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

// apply sets the fields of cfg that concern the providers. Errors are errors of usage.
func (p providerFlags) apply(cfg *worker.Config) error {
	var err error
	if cfg.APIs, err = p.limits(); err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	c := &cfg.Providers
	c.Base = tracedTransport(http.DefaultTransport, cfg.TracerProvider, cfg.MeterProvider)
	c.Model, c.NarratorModel = p.Model, p.Narrator
	if p.Upstream != "" {
		// The simulator accepts any key that is not empty. It does not get the real keys.
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
