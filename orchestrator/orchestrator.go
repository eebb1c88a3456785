package orchestrator

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Limiter gives the orchestrator permission to start tasks. *[limiter.Limiter] implements it, on Redis or in memory.
type Limiter interface {
	// ReserveBatch asks once for reservations of a route. It returns reservations, earliest first; or none, and when to
	// ask again; or an error.
	ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, limiter.Turn, error)
	// Check returns an error if calls of a route that cost n tokens, or [limiter.Costs], can never start. It makes no
	// request.
	Check(route string, n int64, opts ...limiter.Option) error
	// MaxWait returns how long a call without a deadline waits at most; 0 for no bound.
	MaxWait() time.Duration
}

const scope = "github.com/weir-go/weir/orchestrator"

// Orchestrator queues tasks and runs them. It is safe for concurrent use; [New] makes one, [Orchestrator.Close] ends
// it.
type Orchestrator struct {
	cfg     Config // fixed at construction, like those down to plain
	began   time.Time
	observe *observer
	maxWait time.Duration
	slots   *semaphore.Weighted
	life    context.Context //nolint:containedctx // ends when Close gives up on the remaining tasks
	end     context.CancelFunc
	plain   *options // of tasks without options
	worker  func()   // o.work, made once

	mu   sync.Mutex
	core *core.Core // guarded by mu

	alarm   alarm
	checked atomic.Bool  // the route of tasks without options exists
	latest  atomic.Int64 // approximate time of the last input
	acting  atomic.Int64 // goroutines, and callers that carry out effects
	closing atomic.Bool  // a drain has begun
	quiet   atomic.Bool  // the core has no more work, and will get none
	ended   chan struct{}
	endOnce sync.Once
	over    context.Context //nolint:containedctx // ends when a drain has given up waiting for functions
	giveUp  context.CancelFunc
	drained drained

	keys    keyed
	batches registry
}

// New returns an orchestrator, or an error that names the wrong field of the configuration. New does not check that the
// limiter has the route [Config.Route]: a task of an unknown route is refused with a [limiter.RouteError].
func New(cfg Config) (*Orchestrator, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	o := &Orchestrator{
		cfg: cfg, began: time.Now(), maxWait: cfg.Limiter.MaxWait(), slots: semaphore.NewWeighted(int64(cfg.Slots)),
		core: core.New(core.Config{
			Slots: cfg.Slots, RouteSlots: cfg.RouteSlots, Ageing: cfg.Ageing, MaxPending: cfg.MaxPending, MaxWeight: cfg.MaxWeight,
			Full: core.Full(cfg.Full), WarnPending: cfg.WarnPending, //nolint:gosec // three values
		}),
		ended: make(chan struct{}),
	}
	o.plain, o.worker = o.options(), o.work
	o.keys = newKeyed()
	o.batches = newRegistry(cfg.MaxBatches, cfg.KeepBatches)
	// Not derived from any caller's context: the orchestrator outlives the caller of New and ends with Close.
	o.life, o.end = context.WithCancel(context.Background())
	o.over, o.giveUp = context.WithCancel(context.Background())
	o.alarm.began, o.alarm.ring = o.began, o.tick
	if o.observe, err = newObserver(o); err != nil {
		return nil, err
	}
	if l, ok := cfg.Limiter.(publishes); ok {
		_ = l.Section(SectionName, o.record) // a limiter that is closed refuses tasks, too
	}
	return o, nil
}

// now returns the time since the orchestrator began.
func (o *Orchestrator) now() time.Duration { return time.Since(o.began) }

// at converts a moment of [Orchestrator.now] to a time. It counts from the present, because the wall clock may have
// stepped since the beginning.
func (o *Orchestrator) at(moment time.Duration) time.Time {
	now := time.Now()
	return now.Add(moment - now.Sub(o.began))
}

// input gives the core one input, under the lock. The caller passes the effects to [Orchestrator.do].
func (o *Orchestrator) input(in func(c *core.Core, now core.Time, fx *core.Effects)) *core.Effects {
	fx := effects.Get().(*core.Effects) //nolint:forcetypeassert // nothing else is put there
	o.inputTo(fx, in)
	return fx
}

// inputTo is input with effects of the caller's.
func (o *Orchestrator) inputTo(fx *core.Effects, in func(c *core.Core, now core.Time, fx *core.Effects)) {
	o.acting.Add(1)
	o.mu.Lock()
	now := o.now()
	in(o.core, now, fx)
	o.mu.Unlock()
	o.latest.Store(int64(now))
}

var effects = sync.Pool{New: func() any { return new(core.Effects) }} //nolint:gochecknoglobals // memory that is used again

// look reads the core, under the lock.
func (o *Orchestrator) look(at func(c *core.Core, now core.Time)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at(o.core, o.now())
}

// do carries out the effects of an input, without the lock, because it calls foreign code.
func (o *Orchestrator) do(fx *core.Effects) {
	o.perform(fx)
	fx.Reset()
	effects.Put(fx)
}

func (o *Orchestrator) perform(fx *core.Effects) {
	if fx.Spawn {
		o.acting.Add(1)
		go o.worker()
	}
	if fx.Wake > 0 {
		o.alarm.set(fx.Wake)
	}
	for _, r := range fx.Return {
		r.(*limiter.Reservation).Cancel() //nolint:forcetypeassert // what was given
	}
	for _, g := range fx.Watch {
		o.watch(g)
	}
	for _, g := range fx.Unwatch {
		unwatch(g)
	}
	for _, t := range fx.Cancel {
		base(t).cancel(ErrClosed)
	}
	for t := fx.Ended; t != nil; {
		next := t.Next() // before others see its end
		o.deliver(t)
		t = next
	}
	for _, t := range fx.Admitted {
		t.Of.(client).admitted() //nolint:forcetypeassert // every task has one
	}
	for _, r := range fx.Resumed {
		r.Of.(*turn).come(r.Slot) //nolint:forcetypeassert // what was given
	}
	if fx.Many > 0 {
		o.observe.many(fx.Many)
	}
	if fx.GivenUp {
		o.drained.name(o, fx.Stuck)
		o.giveUp()
	}
	if fx.Quiet {
		o.quiet.Store(true)
	}
	o.acted()
}

// acted records that a goroutine, or a caller, has finished its work.
func (o *Orchestrator) acted() {
	if o.acting.Add(-1) == 0 && o.quiet.Load() {
		o.endOnce.Do(func() { close(o.ended) })
	}
}

// tick lets time pass in the core.
func (o *Orchestrator) tick() {
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Tick(now, fx) }))
}

// Pending returns how many tasks wait to start, for the first time or again.
func (o *Orchestrator) Pending() (n int) {
	o.look(func(c *core.Core, _ core.Time) { n = c.Pending() })
	return n
}

// Shut stops all starts of a route for a time. The snapshot shows the reason. Tasks with an earlier deadline end with a
// [limiter.DeadlineError]. Zero opens the route again.
func (o *Orchestrator) Shut(route string, d time.Duration, reason string) error {
	if err := o.cfg.Limiter.Check(route, 1); err != nil {
		return fmt.Errorf("orchestrator: shut: %w", err)
	}
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) {
		c.Shut(now, fx, route, now+min(d, forever), reason)
	}))
	return nil
}

// forever is a duration that means no bound, and that can be added to others without overflow.
const forever = 100 * 365 * 24 * time.Hour
