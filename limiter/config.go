package limiter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Config says what is limited and how. The zero value of each field is documented; Buckets is the only one without a
// usable zero.
type Config struct {
	// Namespace is the name under which a fleet shares its buckets. Zero is "weir".
	Namespace string
	// Buckets are the limits by bucket name; all limits of one bucket hold at once. At least one.
	Buckets map[string][]Limit
	// Routes are the buckets that each kind of call passes, narrowest first, ending in the one all share. A bucket is
	// also a route of its own name. Zero is those alone.
	Routes map[string][]string
	// Slack is how late a reservation may be used, on the monotonic and on the wall clock. At least 5 ms, which is what
	// timers need: a reservation that always comes too late is asked for again for ever. Zero is 50 ms.
	Slack time.Duration
	// Horizon is how far ahead a reservation may be due: what a replica that dies can lose, what an urgent call waits
	// behind, and the debt with which every bucket begins when Redis has forgotten. All replicas of a namespace should
	// have the same. At most an hour; zero is 250 ms.
	Horizon time.Duration
	// Replica names this process in the fleet. It must differ between processes that run at the same time. Zero is a
	// random name.
	Replica string
	// TracerProvider makes a span "acquire" of each wait in a trace that is recorded. Zero is the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics weir.rate_limiting.*. Zero is the global one.
	MeterProvider metric.MeterProvider
	// CallTimeout bounds one call to Redis, resends included, if the client heeds contexts while it reads
	// (ContextTimeoutEnabled in go-redis); else its own timeouts do. At most 30 s; zero is 5 s.
	CallTimeout time.Duration
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

// route is what one kind of call must pass.
type route struct {
	name   string
	limits []bound
	labels labels
}

// burst is the largest cost that the route can ever start, and the bucket that sets it.
func (r *route) burst() (int64, string) {
	b := slices.MinFunc(r.limits, func(x, y bound) int { return int(min(1, max(-1, x.limit.Burst-y.limit.Burst))) })
	return b.limit.Burst, b.bucket
}

// settings are a Config with its zero values filled in and everything in it checked.
type settings struct {
	Config

	routes map[string]*route
	all    *route // every limit of every bucket, in a fixed order
}

func (c Config) settings() (settings, error) {
	if c.Namespace == "" {
		c.Namespace = DefaultNamespace
	}
	if c.Replica == "" {
		c.Replica = uuid.NewString()
	}
	for what, d := range map[string]*time.Duration{"slack": &c.Slack, "horizon": &c.Horizon, "call timeout": &c.CallTimeout} {
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
	if c.CallTimeout == 0 {
		c.CallTimeout = defaultCallTimeout
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
	if c.CallTimeout > maxCallTimeout {
		return settings{}, fmt.Errorf("limiter: call timeout %v: want %v or less", c.CallTimeout, maxCallTimeout)
	}
	if c.Horizon > time.Hour {
		return settings{}, fmt.Errorf("limiter: horizon %v: want an hour or less", c.Horizon)
	}
	for what, name := range map[string]string{"namespace": c.Namespace, "replica": c.Replica} {
		if err := CheckName(what, name); err != nil {
			return settings{}, err
		}
	}
	if len(c.Buckets) == 0 {
		return settings{}, errors.New("limiter: no buckets: name at least one, with its limits")
	}
	s := settings{Config: c, routes: map[string]*route{}, all: &route{labels: newLabels("")}}
	for _, name := range sorted(c.Buckets) {
		r, err := newRoute(name, c.Buckets, c.Horizon, name)
		if err != nil {
			return settings{}, err
		}
		s.routes[name] = r
		s.all.limits = append(s.all.limits, r.limits...)
	}
	for _, name := range sorted(c.Routes) {
		r, err := newRoute(name, c.Buckets, c.Horizon, c.Routes[name]...)
		if err != nil {
			return settings{}, err
		}
		s.routes[name] = r
	}
	return s, nil
}

func newRoute(name string, buckets map[string][]Limit, horizon time.Duration, path ...string) (*route, error) {
	if err := CheckName("route", name); err != nil {
		return nil, err
	}
	if len(path) == 0 {
		return nil, fmt.Errorf("limiter: route %s: no buckets", name)
	}
	r := &route{name: name, labels: newLabels(name)}
	for i, b := range path {
		limits, ok := buckets[b]
		switch {
		case !ok:
			return nil, fmt.Errorf("limiter: route %s: no bucket named %q", name, b)
		case len(limits) == 0:
			return nil, fmt.Errorf("limiter: bucket %s: no limits", b)
		case slices.Contains(path[:i], b):
			return nil, fmt.Errorf("limiter: route %s: bucket %s stands in it twice", name, b)
		}
		for j, l := range limits {
			n, err := l.normal()
			if err == nil && float64(n.Burst)*float64(n.per())+(float64(horizon.Microseconds())+1)*float64(n.Tokens) > span {
				err = fmt.Errorf("%v: too large to be kept exactly with a horizon of %v", n, horizon)
			}
			if err != nil {
				return nil, fmt.Errorf("limiter: bucket %s: %w", b, err)
			}
			r.limits = append(r.limits, bound{bucket: b, index: j, limit: n})
		}
	}
	if len(r.limits) > maxLimits {
		return nil, fmt.Errorf("limiter: route %s: %d limits: want %d or fewer", name, len(r.limits), maxLimits)
	}
	return r, nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// CheckName returns an error if a name cannot be that of a namespace, bucket, route or replica; what says which. Names
// become parts of keys, where a brace would move the hash tag.
func CheckName(what, name string) error {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '{' || r == '}' }
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("limiter: %s name %q: want 1 to 100 bytes without blanks and braces", what, name)
	}
	return nil
}
