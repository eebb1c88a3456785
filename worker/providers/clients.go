package providers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"golang.org/x/oauth2"

	"github.com/weir-go/weir/worker/transport"
)

// APIAnthropic, APISpotify and APILastFM are the names of the providers. Their routes have the same names.
const (
	APIAnthropic = "anthropic"
	APISpotify   = "spotify"
	APILastFM    = "lastfm"
)

// ClientConfig configures the clients: addresses, credentials, and the limiter that pays. Printing a ClientConfig shows
// no secret.
type ClientConfig struct {
	// AnthropicURL, SpotifyURL and LastFMURL are the URLs before /v1/messages, /v1/search and /2.0/. Empty is the real
	// provider, which needs its key or token.
	AnthropicURL, SpotifyURL, LastFMURL string

	AnthropicKey, LastFMKey string
	// SpotifyLogin is the login that Spotify exchanges for access tokens. Each renewal is a request, and pays like any
	// other. Zero is none.
	SpotifyLogin SpotifyLogin
	// SpotifyAccountsURL is the URL before /api/token. Empty is SpotifyURL, or the real provider if SpotifyURL is empty
	// too.
	SpotifyAccountsURL string
	// SpotifyToken is a fixed access token for SpotifyScopes; nil scopes are unknown. SpotifyTokens is a source of
	// tokens. The source overrides a login, and a login overrides SpotifyToken. A source that asks Spotify for a new
	// token should send through transport.New(Base, Limiter, "spotify"), so that the request pays too.
	SpotifyToken  string
	SpotifyScopes []string
	SpotifyTokens oauth2.TokenSource

	// Model answers the first and the final question, NarratorModel writes the comments. Empty is the current Sonnet
	// and the current Haiku.
	Model, NarratorModel string

	// Usage names the buckets of the route "anthropic" that count tokens. After each answer of Claude the client
	// settles the reservation of the context with the usage of the answer, if the reservation has costs: see
	// [limiter.Reservation.Settle]. The remaining tokens in the headers are reported for these buckets. Zero settles
	// and reports no tokens.
	Usage UsageBuckets

	// Limiter pays for requests without a reservation. There is no default. If it is a [transport.Reporter], it gets
	// reports about the answers.
	Limiter transport.Waiter
	// Base sends the requests. Nil is http.DefaultTransport.
	Base http.RoundTripper
	// Timeout is how long one call may take, including its answer. 0 is a minute.
	Timeout time.Duration
}

func (c ClientConfig) String() string { return "providers.ClientConfig{…}" }

// GoString is String, because %#v would print the keys.
func (c ClientConfig) GoString() string { return c.String() }

// secret returns a key. It is a function because printing a struct around it then shows an address.
type secret func() string

// Clients are the clients of the three providers. They are safe for concurrent use, follow no redirect and repeat no
// call: one call of a method is one request.
type Clients struct {
	Anthropic *Anthropic
	Spotify   *Spotify
	LastFM    *LastFM
}

// NewClients returns clients whose every request pays one token of its provider's route: "anthropic", "spotify" or
// "lastfm". An error names the wrong field of the configuration; it never contains the field's value.
func NewClients(cfg ClientConfig) (*Clients, error) {
	if cfg.Limiter == nil {
		return nil, errors.New("providers: ClientConfig.Limiter is nil; give it the limiter of the fleet")
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("providers: ClientConfig.Timeout is %v; give a positive duration, or 0 for a minute", cfg.Timeout)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	if cfg.Model == "" {
		cfg.Model = anthropic.ModelClaudeSonnet5_5
	}
	if cfg.NarratorModel == "" {
		cfg.NarratorModel = anthropic.ModelClaudeHaiku5_5
	}
	// Keys come from files and variables, which often end in a newline. A header must not contain one.
	cfg.AnthropicKey, cfg.LastFMKey = strings.TrimSpace(cfg.AnthropicKey), strings.TrimSpace(cfg.LastFMKey)

	claude, err := cfg.sender(APIAnthropic, cfg.AnthropicURL, "https://api.anthropic.com", cfg.AnthropicKey != "")
	if err != nil {
		return nil, fmt.Errorf("providers: ClientConfig.AnthropicURL or AnthropicKey: %w", err)
	}
	spotify, err := cfg.spotify()
	if err != nil {
		return nil, err
	}
	lastFM, err := cfg.sender(APILastFM, cfg.LastFMURL, "https://ws.audioscrobbler.com", cfg.LastFMKey != "")
	if err != nil {
		return nil, fmt.Errorf("providers: ClientConfig.LastFMURL or LastFMKey: %w", err)
	}
	return &Clients{
		Anthropic: newAnthropic(claude, cfg.AnthropicKey, cfg.Model, cfg.NarratorModel, cfg.Usage),
		Spotify:   spotify,
		LastFM:    &LastFM{sender: lastFM, key: func() string { return cfg.LastFMKey }, pauses: &pauses{}},
	}, nil
}

// spotify returns the client of Spotify, with its authorization.
func (c ClientConfig) spotify() (*Spotify, error) {
	token, hasLogin := strings.TrimSpace(c.SpotifyToken), c.SpotifyLogin != (SpotifyLogin{})
	own, err := c.sender(APISpotify, c.SpotifyURL, "https://api.spotify.com", token != "" || hasLogin || c.SpotifyTokens != nil)
	if err != nil {
		return nil, fmt.Errorf("providers: ClientConfig.SpotifyURL, SpotifyLogin, SpotifyToken or SpotifyTokens: %w", err)
	}
	s := &Spotify{sender: own}
	switch {
	case c.SpotifyTokens != nil:
		s.token = c.SpotifyTokens.Token
	case hasLogin:
		if err := c.SpotifyLogin.check(); err != nil {
			return nil, fmt.Errorf("providers: ClientConfig.SpotifyLogin: %w", err)
		}
		accounts, err := c.sender(APISpotify, cmp.Or(c.SpotifyAccountsURL, c.SpotifyURL), "https://accounts.spotify.com", true)
		if err != nil {
			return nil, fmt.Errorf("providers: ClientConfig.SpotifyAccountsURL: %w", err)
		}
		s.login = newLogin(accounts, c.SpotifyLogin)
	case token != "":
		s.token, s.scopes = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}).Token, c.SpotifyScopes
	}
	return s, nil
}

// reports returns the options for the reports that only this provider's transport sends.
func (c ClientConfig) reports(api string) []transport.Option {
	if api != APIAnthropic || c.Usage == (UsageBuckets{}) {
		return nil
	}
	return []transport.Option{transport.Quotas(c.Usage.quotas())}
}

// sender returns the sender of one provider, for a base URL. If the URL is empty and the caller has a key, it is the
// real provider's. Errors do not contain the URL, which may contain a password.
func (c ClientConfig) sender(api, base, provider string, authorized bool) (sender, error) {
	if base == "" {
		if !authorized {
			return sender{}, errors.New("the real provider needs a key or token; give one, or the URL of a simulator")
		}
		base = provider
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return sender{}, errors.New("not an http or https URL; give one such as http://localhost:8090")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return sender{}, errors.New("the URL holds more than a host and a path; leave out user, query and fragment")
	}
	rt, err := transport.Open(c.Base, c.Limiter, transport.Routes{Other: api}, c.reports(api)...)
	if err != nil {
		return sender{}, err
	}
	return sender{
		api: api, base: strings.TrimRight(base, "/"), timeout: c.Timeout,
		http: &http.Client{
			Transport:     bounded{rt},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}
