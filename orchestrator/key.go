package orchestrator

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// keyed holds the shared runs and the kept results, by key. Its lock is never held while user code runs.
type keyed struct {
	mu    sync.Mutex
	byKey map[string]any // *shared[T] or *kept[T]
	kept  ring[string]   // keys of kept results, the oldest first
}

// maxKept bounds the results that [Keep] keeps: the oldest are dropped first.
const maxKept = 10_000

func newKeyed() keyed { return keyed{byKey: map[string]any{}, kept: newRing[string](maxKept)} }

// kept is a result for later callers.
type kept[T any] struct {
	value T
	until time.Duration
}

// shared is one run for all callers of a key: a task of its own, which belongs to no caller, and a count of the waiting
// callers.
type shared[T any] struct {
	task

	o      *Orchestrator
	key    string
	fn     Task[T]
	value  T
	cancel context.CancelCauseFunc

	seats []*seat[T] // guarded by the lock of keyed, like the rest
	taken int
	rank  uint8 // of the most urgent caller
	over  bool
}

// seat is the place of one caller that waits for a shared run.
type seat[T any] struct {
	of   *shared[T] // nil if the result was kept
	m    member[T]
	at   time.Duration // when it joined
	left bool

	stop atomic.Pointer[func() bool] // ends the watch over the context
	gone atomic.Bool                 // the context need not be watched any more
}

// member is a future or a part of a batch that waits for the run of another task.
type member[T any] interface {
	client

	sits(s *seat[T])
	receive(value T, err error)
	function() Task[T]
	batch() any
}

// share joins members to the runs of their keys, and begins the runs that do not exist yet: all of them, or none.
// Members without a key are queued as they are. after must be called without a lock.
func share[T any](o *Orchestrator, members []member[T], keys []string, watched bool) (after func(), err error) {
	first, now := members[0].base(), o.now()
	within := o.running(first.ctx)
	var begun, joined []*seat[T]
	var found []*kept[T]
	var lucky []member[T]
	var fresh []*core.Task
	k := &o.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	undo := func(err error) (func(), error) {
		for _, s := range begun {
			if k.byKey[s.of.key] == any(s.of) {
				delete(k.byKey, s.of.key)
			}
			s.of.cancel(nil)
		}
		return nil, err
	}
	for i, m := range members {
		if keys[i] == "" {
			fresh = append(fresh, &m.base().Task)
			continue
		}
		s := &seat[T]{m: m, at: now}
		switch there := k.byKey[keys[i]].(type) {
		case *kept[T]:
			if there.until > now {
				found, lucky = append(found, there), append(lucky, m)
				continue
			}
		case *shared[T]:
			if within != nil && within.t == &there.task {
				return undo(ErrAwaitsItself)
			}
			s.of = there
			joined = append(joined, s)
			continue
		case nil:
		default:
			return undo(ErrKeyType)
		}
		s.of = newShared(o, keys[i], m)
		k.byKey[keys[i]] = s.of
		begun, fresh = append(begun, s), append(fresh, &s.of.Task)
	}
	if o.closing.Load() && !first.Child {
		return undo(ErrClosed)
	}
	var fx *core.Effects
	if len(fresh) > 0 {
		fx = o.arrive(first.opts.route, nil, fresh, &err)
		if err != nil {
			o.doLater(fx)
			return undo(err)
		}
	}
	hasten := map[*shared[T]]uint8{}
	for _, s := range append(begun, joined...) {
		s.of.seats = append(s.of.seats, s)
		s.of.taken++
		s.m.sits(s)
		if rank := s.m.base().Rank; rank < s.of.rank { // the run is as urgent as its most urgent caller
			s.of.rank = rank
			hasten[s.of] = rank
		}
	}
	return func() {
		if watched {
			for _, s := range append(begun, joined...) {
				s.watch()
			}
		}
		if fx != nil {
			o.do(fx)
		}
		for s, rank := range hasten {
			o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.ArriveAgain(now, fx, &s.Task, rank) }))
		}
		o.observe.joined(len(joined) + len(lucky))
		for i, m := range lucky {
			m.sits(&seat[T]{m: m, at: now})
			m.receive(found[i].value, nil)
		}
	}, nil
}

func newShared[T any](o *Orchestrator, key string, m member[T]) *shared[T] {
	t := m.base()
	// The run outlives its first caller if others wait for it: its context has the values of that caller's context, but
	// not its end.
	s := &shared[T]{o: o, key: key, fn: m.function(), rank: t.Rank}
	ctx, cancel := context.WithCancelCause(outside{context.WithoutCancel(t.ctx)})
	s.cancel = cancel
	s.fill(s, ctx, t.opts)
	s.Child = t.Child
	o.boundWait(&s.task)
	return s
}

// watch makes the seat leave when the context of its member ends.
func (s *seat[T]) watch() {
	ctx := s.m.base().ctx
	if ctx.Done() == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { s.leave(context.Cause(ctx)) })
	s.stop.Store(&stop)
	if s.gone.Load() {
		stop()
	}
}

// unwatch ends the watch over the context. It may be called before watch has finished.
func (s *seat[T]) unwatch() {
	s.gone.Store(true)
	if stop := s.stop.Load(); stop != nil {
		(*stop)()
	}
}

// leave removes a caller that no longer waits. The run ends with its last caller; a later caller begins a new run.
func (s *seat[T]) leave(why error) {
	of := s.of
	k := &of.o.keys
	k.mu.Lock()
	if s.left || of.over {
		k.mu.Unlock()
		return
	}
	s.left = true
	of.taken--
	last := of.taken == 0
	if last && k.byKey[of.key] == any(of) {
		delete(k.byKey, of.key)
	}
	k.mu.Unlock()
	s.unwatch()
	var zero T
	s.m.receive(zero, why)
	if last {
		of.cancel(why)
		of.o.leave(&of.task, why)
	}
}

func (s *shared[T]) base() *task { return &s.task }
func (s *shared[T]) admitted()   { close(s.entry()) }
func (s *shared[T]) outside()    { s.waitsForRoom() }

func (s *shared[T]) do(ctx context.Context) (err error) {
	value, err := s.fn(ctx)
	s.value = value
	return err
}

// ended passes the outcome to all callers that wait for it.
func (s *shared[T]) ended() {
	k, err := &s.o.keys, s.Err()
	k.mu.Lock()
	seats := s.seats
	s.seats, s.over = nil, true
	if k.byKey[s.key] == any(s) {
		if keep := s.opts.keep; err == nil && keep > 0 {
			k.byKey[s.key] = &kept[T]{value: s.value, until: s.o.now() + min(keep, forever)}
			if old, full := k.kept.push(s.key); full {
				s.o.keys.drop(old)
			}
		} else {
			delete(k.byKey, s.key)
		}
	}
	k.mu.Unlock()
	s.cancel(nil)
	for _, seat := range seats {
		if seat.left {
			continue
		}
		seat.unwatch()
		var value T
		if !s.GivenUp() {
			value = s.value
		}
		seat.m.receive(value, err)
	}
}

// drop forgets a kept result, if it is still kept.
func (k *keyed) drop(key string) {
	if there, ok := k.byKey[key]; ok {
		if _, runs := there.(client); !runs {
			delete(k.byKey, key)
		}
	}
}

// serves reports whether a part of a batch waits for this run.
func (s *shared[T]) serves(batch any) bool {
	s.o.keys.mu.Lock()
	defer s.o.keys.mu.Unlock()
	for _, seat := range s.seats {
		if !seat.left && seat.m.batch() == batch {
			return true
		}
	}
	return false
}

// ring holds a fixed number of values: each new value replaces the oldest.
type ring[T any] struct {
	all  []T
	at   int
	size int
}

func newRing[T any](size int) ring[T] { return ring[T]{size: size} }

// push adds a value, and returns the value that it replaced.
func (r *ring[T]) push(v T) (old T, full bool) {
	if len(r.all) < r.size {
		r.all = append(r.all, v)
		return old, false
	}
	old, r.all[r.at] = r.all[r.at], v
	r.at = (r.at + 1) % r.size
	return old, true
}
