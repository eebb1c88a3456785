package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/weir-go/weir/limiter"
)

// Limiter is what the orchestrator asks for leave to start tasks. *[limiter.Limiter] is one, on Redis or in memory.
type Limiter interface {
	// TryReserve asks once for up to n reservations of a route. It returns some, earliest first; or none, and when to
	// ask again; or an error.
	TryReserve(ctx context.Context, route string, n int, opts ...limiter.Option) ([]*limiter.Reservation, time.Time, error)
}

// Config says how an orchestrator works. The zero value of each field is documented; Limiter has none.
type Config struct {
	// Limiter says when tasks may start. It is used, never closed.
	Limiter Limiter
	// Slots is how many tasks execute at the same time. Zero is 10.
	Slots int
	// Route is the route of tasks that name none. Zero is "global".
	Route string
	// TracerProvider makes the spans of each task. Zero is the global one.
	TracerProvider trace.TracerProvider
}

// The defaults of [Config].
const (
	DefaultSlots = 10
	DefaultRoute = "global"
)

const scope = "github.com/weir-go/weir/orchestrator"

// Orchestrator queues tasks and runs them. It is safe for concurrent use; [New] makes one, [Orchestrator.Close] ends it.
type Orchestrator struct {
	cfg    Config // fixed at construction, like the three below
	slots  *semaphore.Weighted
	tracer trace.Tracer
	ctx    context.Context //nolint:containedctx // the orchestrator's own life: it ends tasks when Close gives up on them
	cancel context.CancelCauseFunc

	live sync.WaitGroup // tasks accepted and not ended, and the goroutines that work for them

	mu      sync.Mutex
	closed  bool
	lanes   map[string]*lane
	batches registry
	count   Snapshot // counters alone
}

// New returns an orchestrator, or what is wrong with its configuration.
func New(cfg Config) (*Orchestrator, error) {
	if cfg.Limiter == nil {
		return nil, errors.New("orchestrator: no limiter")
	}
	if cfg.Slots < 0 {
		return nil, fmt.Errorf("orchestrator: %d slots: want 1 or more, or 0 for %d", cfg.Slots, DefaultSlots)
	}
	if cfg.Slots == 0 {
		cfg.Slots = DefaultSlots
	}
	if cfg.Route == "" {
		cfg.Route = DefaultRoute
	}
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	o := &Orchestrator{
		cfg: cfg, slots: semaphore.NewWeighted(int64(cfg.Slots)), tracer: cfg.TracerProvider.Tracer(scope),
		lanes: map[string]*lane{},
	}
	// Not derived from any caller's context: the orchestrator outlives whoever made it and ends with Close.
	o.ctx, o.cancel = context.WithCancelCause(context.Background())
	return o, nil
}

// Pending is how many tasks wait to start.
func (o *Orchestrator) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, l := range o.lanes {
		n += l.queue.len
	}
	return n
}

// Snapshot is the state of an orchestrator at one moment.
type Snapshot struct {
	Slots    int    `json:"slots"`
	Pending  int    `json:"pending"`   // tasks that wait to start
	InFlight int    `json:"in_flight"` // tasks that execute
	Done     int64  `json:"done"`      // tasks that ended with a result
	Failed   int64  `json:"failed"`    // tasks that ended with an error, cancelled ones included
	Lanes    []Lane `json:"lanes"`     // by route; those that ever had a task
}

// Lane is the state of one route's queue.
type Lane struct {
	Route    string `json:"route"`
	Pending  int    `json:"pending"`
	Reserved int    `json:"reserved"` // reservations asked for or not yet due
	OldestMS int64  `json:"oldest_ms"`
}

// Snapshot reads the state; it is cheap enough to be read every second.
func (o *Orchestrator) Snapshot() Snapshot {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.count
	s.Slots = o.cfg.Slots
	s.Lanes = make([]Lane, 0, len(o.lanes))
	for route, l := range o.lanes {
		v := Lane{Route: route, Pending: l.queue.len, Reserved: l.reserved}
		if t := l.queue.first; t != nil {
			v.OldestMS = time.Since(t.queuedAt).Milliseconds()
		}
		s.Pending += v.Pending
		s.Lanes = append(s.Lanes, v)
	}
	slices.SortFunc(s.Lanes, func(a, b Lane) int { return strings.Compare(a.Route, b.Route) })
	return s
}

// idle reports whether every task that was accepted has ended.
func (o *Orchestrator) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count.InFlight > 0 {
		return false
	}
	for _, l := range o.lanes {
		if l.queue.len > 0 || len(l.held) > 0 {
			return false
		}
	}
	return true
}

// Close stops intake and waits until every task has ended. When ctx ends first it ends queued tasks with [ErrClosed],
// cancels the contexts of those that execute, and returns an error that says how many there were; it does not wait for
// functions that ignore their context. Closing again waits again.
func (o *Orchestrator) Close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	ended := make(chan struct{})
	go func() { o.live.Wait(); close(ended) }()
	if o.idle() || await(ctx, ended) == nil {
		o.cancel(ErrClosed)
		<-ended
		return nil
	}
	o.mu.Lock()
	var queued []*task
	for _, l := range o.lanes {
		for t := l.queue.pop(); t != nil; t = l.queue.pop() {
			queued = append(queued, t)
		}
		l.trimLocked()
	}
	running := o.count.InFlight
	o.mu.Unlock()
	o.cancel(ErrClosed)
	for _, t := range queued {
		t.end(ErrClosed)
	}
	return fmt.Errorf("orchestrator: close: %d queued tasks ended, %d executing ones cancelled: %w", len(queued), running, context.Cause(ctx))
}
