package orchestrator

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Config configures an orchestrator. Every field except Limiter may be zero.
type Config struct {
	// Limiter decides when tasks may start. The orchestrator never closes it. A [limiter.Limiter] publishes the
	// orchestrator's [Record]. If several orchestrators use one limiter, it publishes the record of the latest.
	Limiter Limiter
	// Slots is how many tasks execute at the same time. Zero is 10.
	Slots int
	// RouteSlots bounds how many slots the tasks of a route may take. A route that is missing or 0 may take all slots.
	// A task that continues after it has waited for others counts again, even beyond the bound.
	RouteSlots map[string]int
	// Route is the route of tasks that name no route. Zero is "global". A limiter of limiter.SingleBucket("api", …)
	// needs Route: "api".
	Route string
	// Ageing is how long a task may be overtaken by tasks of the next more urgent class: see [Class]. Zero is 2 s.
	Ageing time.Duration
	// Retry sets which tasks run again after an error, and when.
	Retry Retry

	// MaxPending bounds the tasks that wait to start. Zero is 10,000. Tasks that wait for another attempt count, and
	// are never refused.
	MaxPending int
	// MaxWeight bounds the sum of the [Weight] of the tasks that wait to start. Zero is 64 Mi, for example 64 MiB if
	// weights are bytes.
	MaxWeight int64
	// Full sets what happens to a task for which there is no room. Zero is [Wait].
	Full Full
	// WarnPending is how many tasks may wait before the orchestrator logs a warning. It warns once, and again only
	// after half of them have gone. Zero is 100; below 0 there is no warning.
	WarnPending int

	// KeepBatches bounds how long a finished batch is kept for a caller to await it. Zero is 15 minutes.
	KeepBatches time.Duration
	// MaxBatches bounds how many finished batches are kept. Zero is 1,000.
	MaxBatches int

	// OnPanic, if set, is called with every panic of a task, in the goroutine of the task, before the task ends.
	OnPanic func(*PanicError)
	// CrashOnPanic lets a panic of a task end the process, as a panic does without the orchestrator.
	CrashOnPanic bool

	// TracerProvider makes the spans of each task. Zero is the global provider.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. Zero is the global provider.
	MeterProvider metric.MeterProvider
	// Logger gets a line for each task, and warnings. Zero is none.
	Logger *slog.Logger
	// Level is the level of the lines for tasks. Zero is [slog.LevelDebug].
	Level slog.Leveler
}

// The defaults of [Config].
const (
	DefaultSlots       = 10
	DefaultRoute       = "global"
	DefaultAgeing      = 2 * time.Second
	DefaultMaxPending  = 10_000
	DefaultMaxWeight   = 64 << 20
	DefaultWarnPending = 100
	DefaultKeepBatches = 15 * time.Minute
	DefaultMaxBatches  = 1000
)

// filled returns the configuration with its defaults, or an error that names the wrong field.
func (c Config) filled() (Config, error) {
	if c.Limiter == nil {
		return c, errors.New("orchestrator: no limiter")
	}
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"slots", int64(c.Slots)},
		{"ageing", int64(c.Ageing)},
		{"pending tasks at most", int64(c.MaxPending)},
		{"weight at most", c.MaxWeight},
		{"time to keep batches", int64(c.KeepBatches)},
		{"batches to keep", int64(c.MaxBatches)},
	} {
		if n.value < 0 {
			return c, fmt.Errorf("orchestrator: %s: %d: want 1 or more, or 0 for the default", n.name, n.value)
		}
	}
	for route, n := range c.RouteSlots {
		if n < 0 {
			return c, fmt.Errorf("orchestrator: route %s: %d slots: want 1 or more, or 0 for all", route, n)
		}
	}
	if c.Full < 0 || c.Full > Shed {
		return c, fmt.Errorf("orchestrator: what to do when full: %d: want Wait, Refuse or Shed", c.Full)
	}
	retry, err := c.Retry.filled()
	if err != nil {
		return c, err
	}
	c.Retry = retry
	fill(&c.Slots, DefaultSlots)
	fill(&c.Route, DefaultRoute)
	fill(&c.Ageing, DefaultAgeing)
	fill(&c.MaxPending, DefaultMaxPending)
	fill(&c.MaxWeight, DefaultMaxWeight)
	fill(&c.WarnPending, DefaultWarnPending)
	fill(&c.KeepBatches, DefaultKeepBatches)
	fill(&c.MaxBatches, DefaultMaxBatches)
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Level == nil {
		c.Level = slog.LevelDebug
	}
	return c, nil
}

// fill sets a field that is zero.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
