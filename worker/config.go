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

// Config configures a replica. Every field except Redis and Providers may be zero.
type Config struct {
	// Redis is where the fleet shares its budget. The worker never closes it.
	Redis redis.UniversalClient
	// Namespace is the name under which the fleet shares. Zero is "weir".
	Namespace string
	// Budget is the limit of the calls to all providers together. Zero is 40 a second, burst 40.
	Budget limiter.Limit
	// APIs are further limits of one provider, by the name of its route: "anthropic", "spotify" or "lastfm". A provider
	// without an entry has the limit of Budget, which holds for all of them together anyway. The names [InputTokens]
	// and [OutputTokens] are limits of the tokens of Claude's models; each call costs as many tokens as it uses.
	// Without these entries tokens are not limited.
	APIs map[string][]limiter.Limit
	// WhenAway is what the replica does while Redis is away, for LocalFor at most: see [limiter.Config]. Zero is to
	// continue with its share of each limit, for 30 s.
	WhenAway limiter.WhenAway
	LocalFor time.Duration
	// Slots is how many requests a replica makes at the same time. Zero is 10.
	Slots int
	// Replica names this process in the fleet. Zero is a random name.
	Replica string
	// Providers has the addresses and credentials of the providers; the worker sets its Limiter.
	Providers providers.ClientConfig
	// Version is the version of this build, for the record of the replica. Zero is "".
	Version string
	// Grace is how long a replica that has to end still accepts analyses while it is not ready, so that balancers stop
	// sending them. Zero is none.
	Grace time.Duration
	// Drain is how long running analyses that a client follows may take to end after Grace. Then the replica ends the
	// remaining analyses, and their streams get an error event. Analyses that wait, or that no client follows, end at
	// once. Zero is 20 s.
	Drain time.Duration
	// Gate sets who may call the replica, and how much it accepts at a time. The worker sets its Open, MaxBody and
	// Logger. Zero Requests are 1,024 in addition to the readers of Desk. Each reader is an open request, so a replica
	// with all streams in use can still end analyses.
	Gate gate.Config
	// Connections is how many connections are open at most; further connections wait to be accepted. Zero is 2,048 in
	// addition to the readers of Desk.
	Connections int
	// Deadline is how long an analysis may take, from its start. An analysis that takes longer fails with an error that
	// names the reason; it fails at once if a provider asks for a longer wait. Zero is half an hour, in which the
	// default budget serves three of the longest playlists.
	Deadline time.Duration
	// Desk sets how many analyses a replica has at the same time, how many bytes they take, and for how long it keeps
	// them. The worker sets its Name and Last. [desk.Config] documents its zero values.
	Desk desk.Config
	// Stream sets how long a client may take no bytes, and how often a silent stream has a heartbeat. [sse.Config]
	// documents its zero values.
	Stream sse.Config
	// Logger gets the log lines for operators. Zero is none.
	Logger *slog.Logger
	// TracerProvider makes the spans of tasks and of waits. Zero is the global provider.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics of the limiter and of the orchestrator. Zero is the global provider.
	MeterProvider metric.MeterProvider
}

// The routes of a replica: one for each provider, all through the shared bucket.
var routes = []string{"anthropic", "spotify", "lastfm"} //nolint:gochecknoglobals // a constant list

const shared = "global"

// The buckets of Claude's tokens. Input tokens that Claude has read from its cache do not count.
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

// clients returns the configuration of the clients, without their limiter.
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

// gate returns the configuration of the gate.
func (c Config) gate() gate.Config {
	g := c.Gate
	g.Open, g.MaxBody, g.Logger = []string{"/livez", "/readyz"}, playlist.MaxBytes, c.Logger
	g.Requests = cmp.Or(g.Requests, c.readers()+1024)
	return g
}

// readers returns how many streams the replica has at most.
func (c Config) readers() int { return cmp.Or(c.Desk.Readers, desk.DefaultReaders) }

// limits returns the configuration of the limiter. Every route passes the bucket of its provider, its narrowest bucket,
// and then the shared bucket. If Config.APIs has no limit for a provider, its bucket has the limit of the shared
// budget. Every call passes both buckets, so the provider's bucket never has less left than the shared bucket and never
// makes a call wait. It exists for reports: when a provider refuses calls, the limiter shuts the first bucket of the
// route, and calls to the other providers continue.
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
			paths["anthropic"] = slices.Insert(paths["anthropic"], 1, tokens) // a refusal shuts the first
		}
	}
	return limiter.Config{
		Namespace: c.Namespace, Replica: c.Replica, Buckets: buckets, Routes: paths, Metered: metered,
		WhenAway: c.WhenAway, LocalFor: c.LocalFor, Logger: c.Logger, TracerProvider: c.TracerProvider, MeterProvider: c.MeterProvider,
	}
}
