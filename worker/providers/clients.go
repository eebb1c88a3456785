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

// ClientConfig says where the three providers are, who asks, and what pays. Printing one shows no secret.
type ClientConfig struct {
	// AnthropicURL, SpotifyURL and LastFMURL are what stands before /v1/messages, /v1/search and /2.0/. Empty is the
	// real provider, for which its key or token is needed.
	AnthropicURL, SpotifyURL, LastFMURL string

	AnthropicKey, LastFMKey string
	// SpotifyLogin is what Spotify exchanges for access tokens. Each renewal is a request, and pays like any other. Zero is none.
	SpotifyLogin SpotifyLogin
	// SpotifyAccountsURL is what stands before /api/token. Empty is SpotifyURL, and the real provider where that is empty too.
	SpotifyAccountsURL string
	// SpotifyToken is an access token as it is, for SpotifyScopes; nil scopes are not known. SpotifyTokens is a source of tokens. It wins, and a
	// login wins over SpotifyToken. A source that asks Spotify for a new one should send through transport.New(Base, Limiter, "spotify"), so
	// that this pays too.
	SpotifyToken  string
	SpotifyScopes []string
	SpotifyTokens oauth2.TokenSource

	// Model answers the first and the final question, NarratorModel comments on the way. Empty is the current Sonnet
	// and the current Haiku.
	Model, NarratorModel string

	// Usage names the buckets of the route "anthropic" that count tokens. After each answer of Claude the reservation of the context is
	// settled with what the answer has used, if the reservation has costs: see [limiter.Reservation.Settle]. What the headers say is left of
	// the tokens is reported for these buckets. Zero settles and reports nothing of tokens.
	Usage UsageBuckets

	// Limiter pays for the requests that no reservation pays for. There is no default. It hears what the answers say of limits if it is a
	// [transport.Reporter].
	Limiter transport.Waiter
	// Base sends. Nil is http.DefaultTransport.
	Base http.RoundTripper
	// Timeout is how long one call may take, its answer included. 0 is a minute.
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

// NewClients returns clients whose every request pays one token of its provider's route, which is "anthropic",
// "spotify" or "lastfm". An error says which field of the configuration is wrong; it never shows what is in it.
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
	// Keys come from files and variables, which tend to end in a newline; a header must not.
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

// spotify returns the client of Spotify, with what it is authorized by.
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

// reports are what the transport of a provider reports beside what every transport does.
func (c ClientConfig) reports(api string) []transport.Option {
	if api != APIAnthropic || c.Usage == (UsageBuckets{}) {
		return nil
	}
	return []transport.Option{transport.Quotas(c.Usage.quotas())}
}

// sender returns the sender of one provider, at a base URL or, if that is empty and the caller has a key, where the
// real one is. Errors do not repeat the URL, which may hold a password.
func (c ClientConfig) sender(api, base, provider string, authorized bool) (sender, error) {
	if base == "" {
		if !authorized {
			return sender{}, errors.New("the real provider wants a key or token; give one, or the URL of a simulator")
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
