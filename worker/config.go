package worker

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
)

// Config says what a replica needs. The zero value of each field is documented; Redis and Providers have none.
type Config struct {
	// Redis is where the fleet shares its budget. It is used, never closed.
	Redis redis.UniversalClient
	// Namespace is the name under which the fleet shares. Zero is "weir".
	Namespace string
	// Budget is what all providers together allow. Zero is 40 a second, burst 40.
	Budget limiter.Limit
	// APIs are further limits of one provider, by the name of its route: "anthropic", "spotify" or "lastfm". A provider that is not in it has
	// the limit of Budget, which holds for all of them together already. The names [InputTokens] and [OutputTokens] are limits of the tokens of
	// Claude's models, which each call costs as many as it uses. Where they are not in it tokens are not limited.
	APIs map[string][]limiter.Limit
	// WhenAway is what the replica does while Redis is away, for LocalFor at most: see [limiter.Config]. Zero is to go on with its share of each
	// limit, for 30 s.
	WhenAway limiter.WhenAway
	LocalFor time.Duration
	// Slots is how many requests a replica has under way at the same time. Zero is 10.
	Slots int
	// Replica names this process in the fleet. Zero is a random name.
	Replica string
	// Providers says where the providers are and who asks; its Limiter is filled in.
	Providers providers.ClientConfig
	// Version is what this build calls itself, for those who look. Zero is "".
	Version string
	// Grace is how long a replica that is told to end goes on taking analyses while it is not ready, so that balancers stop sending them. Zero
	// is none.
	Grace time.Duration
	// Drain is how long running analyses that somebody follows may take to end after that. Those that have not ended then are ended, and
	// their streams say so. Those that wait, or that nobody follows, are ended at once. Zero is 20 s.
	Drain time.Duration
	// Gate says who may call the replica, and how much it takes at a time. Its Open, MaxBody and Logger are filled in. Zero Requests are 1,024
	// beside the readers of Desk, each of which is a request under way: a replica whose streams are all taken still ends analyses.
	Gate gate.Config
	// Connections is how many connections are open at most; further ones wait to be accepted. Zero is 2,048 beside the readers of Desk.
	Connections int
	// Deadline is how long an analysis may take, from its start. One that cannot end before fails with an error that says why: at once where
	// the provider asks for a longer wait. Zero is half an hour, in which the default budget serves three of the longest playlists.
	Deadline time.Duration
	// Desk says how many analyses a replica has at the same time, how many bytes they take, and for how long it keeps them; its Name and Last
	// are filled in. Zero is documented there.
	Desk desk.Config
	// Stream says how long a client may take nothing, and how often a silent stream has a heartbeat. Zero is documented there.
	Stream sse.Config
	// Logger is told what an operator may want to know. Zero is none.
	Logger *slog.Logger
	// TracerProvider makes the spans of tasks and of waits. Zero is the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics of the limiter and of the orchestrator. Zero is the global one.
	MeterProvider metric.MeterProvider
}

// The routes of a replica: one for each provider, all through the shared bucket.
var routes = []string{"anthropic", "spotify", "lastfm"} //nolint:gochecknoglobals // a constant list

const shared = "global"

// The buckets of Claude's tokens. Input tokens do not count where Claude has read them from its cache.
const (
	InputTokens  = "anthropic-input"
	OutputTokens = "anthropic-output"
)

func (c Config) filled() (Config, error) {
	if c.Redis == nil {
		return c, errors.New("worker: no Redis client")
	}
	if c.Namespace == "" {
		c.Namespace = limiter.DefaultNamespace
	}
	if c.Budget == (limiter.Limit{}) {
		c.Budget = limiter.PerSecond(40, 40)
	}
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if c.Connections == 0 {
		c.Connections = c.readers() + 2048
	}
	if c.Deadline == 0 {
		c.Deadline = 30 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	return c, nil
}

// clients are the clients' configuration, but for their limiter.
func (c Config) clients() providers.ClientConfig {
	p := c.Providers
	if len(c.APIs[InputTokens]) > 0 {
		p.Usage.Input = InputTokens
	}
	if len(c.APIs[OutputTokens]) > 0 {
		p.Usage.Output = OutputTokens
	}
	return p
}

// gate is the configuration of what stands before the routes.
func (c Config) gate() gate.Config {
	g := c.Gate
	g.Open, g.MaxBody, g.Logger = []string{"/livez", "/readyz"}, playlist.MaxBytes, c.Logger
	g.Requests = cmp.Or(g.Requests, c.readers()+1024)
	return g
}

// readers is how many streams the replica has at most.
func (c Config) readers() int { return cmp.Or(c.Desk.Readers, desk.DefaultReaders) }

// limits is the configuration of the limiter. Every route passes the bucket of its provider, its narrowest, and then the shared one. Where
// Config.APIs names no limit for a provider, its bucket has the limit of the shared budget: whatever the bucket has granted the shared one has
// granted too, so that the provider's bucket never has less left and never makes a call wait. It is there for reports. When a provider
// refuses calls, the limiter shuts the first bucket of the route, and the other providers go on.
func (c Config) limits() limiter.Config {
	buckets := map[string][]limiter.Limit{shared: {c.Budget}}
	paths := map[string][]string{}
	for _, route := range routes {
		buckets[route] = []limiter.Limit{c.Budget}
		paths[route] = []string{route, shared}
	}
	maps.Copy(buckets, c.APIs)
	metered := map[string]limiter.Metered{}
	for _, tokens := range []string{InputTokens, OutputTokens} {
		if len(c.APIs[tokens]) > 0 {
			metered[tokens] = limiter.Metered{}
			paths["anthropic"] = slices.Insert(paths["anthropic"], 1, tokens) // a refusal shuts the first bucket, which is the provider's
		}
	}
	return limiter.Config{
		Namespace: c.Namespace, Replica: c.Replica, Buckets: buckets, Routes: paths, Metered: metered,
		WhenAway: c.WhenAway, LocalFor: c.LocalFor, Logger: c.Logger, TracerProvider: c.TracerProvider, MeterProvider: c.MeterProvider,
	}
}
