package orchestrator

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
)

// Limiter is what the orchestrator asks for leave to start tasks. *[limiter.Limiter] is one, on Redis or in memory.
type Limiter interface {
	// ReserveBatch asks once for reservations of a route. It returns some, earliest first; or none, and when to
	// ask again; or an error.
	ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, time.Time, error)
}

const scope = "github.com/weir-go/weir/orchestrator"

// Orchestrator queues tasks and runs them. It is safe for concurrent use; [New] makes one, [Orchestrator.Close] ends it.
type Orchestrator struct {
	cfg    Config // fixed at construction, like those down to end
	began  time.Time
	tracer trace.Tracer
	log    *slog.Logger
	worker func()          // o.work, made once
	life   context.Context //nolint:containedctx // the orchestrator's own: it ends when Close gives up on what is left
	end    context.CancelFunc

	traced   atomic.Bool  // somebody listens to spans
	tracedAt atomic.Int64 // when that was last looked at

	mu      sync.Mutex
	slots   slots
	lanes   map[string]*lane
	wanting lanes              // those that have tasks to ask for and may ask
	holding lanes              // those that have reservations which are not due
	ready   list               // tasks that have a reservation and a slot, and wait for a goroutine
	busy    list               // tasks that execute
	lost    map[*task]struct{} // tasks that execute though nobody waits for them any more
	resting list               // tasks that wait before their next attempt
	waking  bool               // a goroutine has been started and has not yet looked for work
	swept   int                // lanes that were left when idle ones were last forgotten

	watches map[<-chan struct{}]*watch
	watched *watch // that of the last task
	spare   []*task
	flights map[string]flight
	batches registry
	room    room
	drain   drain
	count   Counts
	active  int // tasks that have not ended, goroutines at work, and callbacks on their way

	tellers atomic.Int32 // goroutines that pass on outcomes, without mu
	closing atomic.Bool  // drain.closed, for those without mu

	// left to be done by whoever gives up mu
	overs    list
	begun    *watch // to be begun
	ended    *watch // to be ended
	warnings []func()
}

// New returns an orchestrator, or what is wrong with its configuration.
func New(cfg Config) (*Orchestrator, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	o := &Orchestrator{
		cfg: cfg, began: time.Now(), tracer: cfg.TracerProvider.Tracer(scope), log: cfg.Logger,
		slots: newSlots(cfg.Slots), lanes: map[string]*lane{}, watches: map[<-chan struct{}]*watch{}, flights: map[string]flight{},
		lost:  map[*task]struct{}{},
		drain: newDrain(),
	}
	o.tracedAt.Store(-int64(lookAgain))
	o.worker = o.work
	// Not derived from any caller's context: the orchestrator outlives whoever made it and ends with Close.
	o.life, o.end = context.WithCancel(context.Background())
	return o, nil
}

// now is the time since the orchestrator began, in ns.
func (o *Orchestrator) now() int64 { return int64(time.Since(o.began)) }

// at is a moment of [Orchestrator.now] as a time.
func (o *Orchestrator) at(now int64) time.Time { return o.began.Add(time.Duration(now)) }

// Pending is how many tasks wait to start, for the first time or again.
func (o *Orchestrator) Pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.room.count
}

// unlock gives up mu and does what was left to be done without it: tells of tasks that ended, and ends watches over
// contexts. Both run code of others.
func (o *Orchestrator) unlock() {
	o.letInLocked()
	over, begun, ended, warnings := o.overs.first, o.begun, o.ended, o.warnings
	o.overs, o.begun, o.ended, o.warnings = list{}, nil, nil, nil
	if over != nil {
		o.tellers.Add(1)
	}
	o.mu.Unlock()
	if over != nil {
		o.tell(over)
	}
	for begun != nil {
		next := begun.next
		begun.next = nil // before it can be ended, which links it again
		o.beginWatch(begun)
		begun = next
	}
	for ended != nil {
		next := ended.next
		ended.stop()
		ended = next
	}
	for _, warn := range warnings {
		warn()
	}
}

// overLocked ends a task that is in no list. What it ended with is passed on by whoever gives up mu.
func (o *Orchestrator) overLocked(t *task, err error, at int64) {
	o.settleLocked(t, err, at, false)
	t.state = over
	t.opts.lane.tasks--
	o.active--
	o.quietLocked()
}

// settleLocked decides how a task ended.
func (o *Orchestrator) settleLocked(t *task, err error, at int64, givenUp bool) {
	o.unwatchLocked(t)
	t.job.settle(err, at, givenUp)
	if o.drain.closed && !t.is(inner) {
		o.drain.count(err)
	}
	switch {
	case t.is(inner):
	case err == nil:
		o.count.Done++
	default:
		o.count.Failed++
	}
	o.overs.push(t)
}

// tell passes on how tasks ended, from the first of a list. It runs without mu.
func (o *Orchestrator) tell(t *task) {
	for t != nil {
		next := t.next
		t.next, t.prev = nil, nil
		o.record(t)
		t.job.tell()
		t = next
	}
	o.tellers.Add(-1)
	if o.closing.Load() { // it may have been all that a drain waited for
		o.mu.Lock()
		o.quietLocked()
		o.mu.Unlock()
	}
}
