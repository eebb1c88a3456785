package limiter

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Config defines what is limited and how. The zero value of each field is documented; only Buckets has no usable zero
// value. A limiter copies the maps and their lists: later changes to them have no effect.
type Config struct {
	// Namespace is the name under which a fleet shares its buckets. Zero is "weir".
	Namespace string
	// Buckets are the limits by bucket name; all limits of one bucket hold at once. At least one.
	Buckets map[string][]Limit
	// Routes are the buckets that each kind of call passes, narrowest first, ending in the bucket that all share. A
	// bucket is also a route of its own name, unless an entry has that name. Zero has only the routes of buckets.
	Routes map[string][]string
	// Slack is how late a reservation may be used, on the monotonic and on the wall clock. At least 5 ms, because
	// timers are that late: with less, reservations would be too late and be reserved again indefinitely. Zero is 50
	// ms.
	Slack time.Duration
	// Horizon is how far ahead a reservation may be due. It bounds what a dying replica can lose and how long an urgent
	// call waits for reservations. It is also the debt with which every bucket begins when Redis has forgotten. All
	// replicas of a namespace should have the same. At most an hour; zero is 250 ms.
	Horizon time.Duration
	// Replica names this process in the fleet. It must differ between processes that run at the same time. Zero is a
	// random name.
	Replica string
	// TracerProvider makes a span "acquire" of each wait in a trace that is recorded. Zero is the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics weir.rate_limiting.*. Zero is the global one.
	MeterProvider metric.MeterProvider
	// CallTimeout bounds one call to Redis, resends included, if the client obeys contexts while it reads
	// (ContextTimeoutEnabled in go-redis). Otherwise the client's own timeouts bound it. At most 30 s; zero is 5 s.
	CallTimeout time.Duration
	// MaxWait bounds the wait of a call whose context has no deadline, as if the context ended this long after the call
	// began. Zero is no bound.
	MaxWait time.Duration
	// Lazy lets [New] succeed while Redis does not answer. The first call asks Redis what is in force. Until Redis
	// answers, Allow, Decide and ReserveBatch return [ErrUnavailable], and Wait and Reserve wait.
	Lazy bool
	// Shadow is for a roll-out: the limiter decides and records but never delays. Every call may start at once, and
	// metrics record what enforcement would have done. Tokens are taken only for calls that could have started at once.
	// [New] succeeds without Redis. [Limiter.ConfigureShadow] switches shadow mode at run time for the whole fleet.
	Shadow bool
	// Metered are the buckets whose costs are known only when a call has ended, by name. Zero is none;
	// [Reservation.Settle] works without it.
	Metered map[string]Metered
	// Learn are the buckets whose limits are unknown, by name; they are not in Buckets. Zero is none.
	// [Limiter.Configure] ends the learning.
	Learn map[string]Learn
	// FixedRates makes calls start at the configured rates whatever providers answer. Reports of refused calls and of
	// remaining quota change nothing in this process, with one exception: a provider's request to wait is obeyed. Zero
	// lets the fleet follow its providers.
	FixedRates bool
	// WhenAway is what this replica does while Redis is away. Zero is FailLocal: the replica continues with its share
	// of each limit.
	WhenAway WhenAway
	// LocalFor is how long a replica continues with its shares at most, 1 s to 1 h. Zero is 30 s.
	LocalFor time.Duration
	// Publish is how often the [Record] of this replica is published while the record changes. An unchanged record is
	// published every 10 s. 1 s to 10 s; zero is 2 s, less than 0 never.
	Publish time.Duration
	// Logger receives what an operator should know: replicas that disagree, limits changed for the fleet, Redis out of
	// reach. Zero is no log.
	Logger *slog.Logger
}

// The defaults of [Config].
const (
	DefaultNamespace   = "weir"
	DefaultSlack       = 50 * time.Millisecond
	DefaultHorizon     = 250 * time.Millisecond
	defaultCallTimeout = 5 * time.Second

	minSlack       = 5 * time.Millisecond
	maxCallTimeout = 30 * time.Second // a reply is kept for a repeat for twice as long
	maxLimits      = 64               // of one route, which is what one run of the script works through
)

// SingleBucket is the configuration of one bucket, which is also the one route.
func SingleBucket(name string, limits ...Limit) Config {
	return Config{Buckets: map[string][]Limit{name: limits}}
}

// passed is what the limiter keeps about a route.
type passed struct {
	limiter *Limiter
	limits  []bound // narrowest first
	of      []int   // which of them are limits of the same bucket
	about   bound   // of the bucket that reports of the route refer to
	judges  bool    // the lane only records what buckets in shadow mode would do
	mode    Mode    // Connected, or what answers without Redis
	local   *memory // of the shares; nil where there are none
	away    *alone  // nil while Connected
	labels  *labels
}

// passedOf returns what the limiter keeps about a route.
func passedOf(r *lane.Route) *passed {
	p, _ := r.Info.(*passed) // always
	return p
}

// settings are a checked Config with its zero values filled in.
type settings struct {
	Config

	wanted []bound             // every limit of every bucket, in a fixed order
	paths  map[string][]string // the buckets of each route
}

func (c Config) settings() (settings, error) {
	if c.Namespace == "" {
		c.Namespace = DefaultNamespace
	}
	if c.Replica == "" {
		c.Replica = uuid.NewString()
	}
	for what, d := range map[string]*time.Duration{"slack": &c.Slack, "horizon": &c.Horizon, "call timeout": &c.CallTimeout, "max wait": &c.MaxWait} {
		if *d < 0 {
			return settings{}, fmt.Errorf("limiter: %s %v: want 0 or more", what, *d)
		}
	}
	if c.Slack == 0 {
		c.Slack = DefaultSlack
	}
	if c.Horizon == 0 {
		c.Horizon = DefaultHorizon
	}
	if c.Publish == 0 {
		c.Publish = DefaultPublish
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = defaultCallTimeout
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
	if c.Slack < minSlack {
		return settings{}, fmt.Errorf("limiter: slack %v: want %v or more", c.Slack, minSlack)
	}
	if c.Publish > 0 && (c.Publish < time.Second || c.Publish > quietPublish) {
		return settings{}, fmt.Errorf("limiter: publish every %v: want 1 s to %v, or less than 0 for never", c.Publish, quietPublish)
	}
	if c.CallTimeout > maxCallTimeout {
		return settings{}, fmt.Errorf("limiter: call timeout %v: want %v or less", c.CallTimeout, maxCallTimeout)
	}
	if c.Horizon > time.Hour {
		return settings{}, fmt.Errorf("limiter: horizon %v: want an hour or less", c.Horizon)
	}
	for what, name := range map[string]string{"namespace": c.Namespace, "replica": c.Replica} {
		if err := ValidateName(what, name); err != nil {
			return settings{}, err
		}
	}
	if len(c.Buckets)+len(c.Learn) == 0 {
		return settings{}, errors.New("limiter: no buckets: name at least one, with its limits")
	}
	if err := c.away(); err != nil {
		return settings{}, err
	}
	c.Buckets, c.Routes = cloneLists(c.Buckets), cloneLists(c.Routes)
	starts, err := c.learning()
	if err != nil {
		return settings{}, err
	}
	s := settings{Config: c, paths: map[string][]string{}}
	for _, name := range sorted(c.Buckets) {
		limits, err := normalBucket(name, c.Buckets[name], c.Horizon)
		if err != nil {
			return settings{}, err
		}
		if m, ok := c.Metered[name]; ok {
			for i := range limits {
				if !limits[i].limit.Window {
					limits[i].limit.Burst = m.burst(limits[i].limit.Burst)
				}
			}
		}
		for i := range limits {
			limits[i].start = starts[name]
		}
		s.wanted = append(s.wanted, limits...)
		s.paths[name] = []string{name}
	}
	for name, m := range c.Metered {
		if _, ok := c.Buckets[name]; !ok || !(m.Reserve <= mostReserve) {
			return settings{}, fmt.Errorf("limiter: metered bucket %s with a reserve of %v: want a bucket that is configured, and at most %v", name, m.Reserve, mostReserve)
		}
	}
	for _, name := range sorted(c.Routes) {
		if err := checkPath(name, c.Routes[name], func(b string) bool { return len(c.Buckets[b]) > 0 }); err != nil {
			return settings{}, err
		}
		s.paths[name] = c.Routes[name]
	}
	for name, path := range s.paths {
		limits := 0
		for _, b := range path {
			limits += len(c.Buckets[b])
		}
		if limits > maxLimits {
			return settings{}, fmt.Errorf("limiter: route %s: %d limits: want %d or fewer", name, limits, maxLimits)
		}
	}
	return s, nil
}

// checkPath returns an error if a route cannot consist of these buckets.
func checkPath(name string, path []string, known func(string) bool) error {
	if err := ValidateName("route", name); err != nil {
		return err
	}
	if len(path) == 0 {
		return fmt.Errorf("limiter: route %s: no buckets", name)
	}
	for i, b := range path {
		if !known(b) {
			return fmt.Errorf("limiter: route %s: no bucket named %q", name, b)
		}
		if slices.Contains(path[:i], b) {
			return fmt.Errorf("limiter: route %s: bucket %s appears twice", name, b)
		}
	}
	return nil
}

// cloneLists copies a map and its lists, because the caller may change its own later.
func cloneLists[V any](m map[string][]V) map[string][]V {
	out := make(map[string][]V, len(m))
	for name, list := range m {
		out[name] = slices.Clone(list)
	}
	return out
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ValidateName returns an error if a name cannot name a namespace, bucket, route or replica. The argument what is the
// kind that the error names. A name has 1 to 100 bytes, without blanks and braces: names become parts of keys, where a
// brace would move the hash tag. Check a tenant's name that comes from outside, or hash it.
func ValidateName(what, name string) error {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '{' || r == '}' }
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("limiter: %s name %q: want 1 to 100 bytes without blanks and braces", what, name)
	}
	return nil
}
