package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Batcher collects keys and fetches them together, for providers that answer many in one request: each call of its
// function is one task, which takes one token. Who asks for a key that a call which has not begun asks for shares the
// answer; see [Key] for sharing what is under way.
//
// Keys gather until there are Size of them, Delay has passed since the first, one comes when there is a slot with nothing
// to do (where Idle is set), or the orchestrator is drained. While the task waits for its token and its slot it takes in
// more, up to Size: under a limit the calls get fuller, not the line longer.
//
// Its methods are safe for concurrent use. It lives as long as its orchestrator, which waits for its goroutines.
type Batcher[K comparable, V any] struct {
	o     *Orchestrator // fixed, like those down to set
	fetch func(context.Context, []K) (map[K]V, error)
	cfg   BatcherConfig
	set   *options // of its tasks, nil for none

	mu     sync.Mutex
	open   *call[K, V] // takes in more keys; nil if there is none
	closed bool        // flushed for the last time
}

// BatcherConfig says how a batcher works.
type BatcherConfig struct {
	// Size is how many keys a call has at most. Zero is 50.
	Size int
	// Delay is how long the first key of a call waits for others. Zero is 2 ms; below 0 it does not wait.
	Delay time.Duration
	// Idle lets a call begin at once while there is a slot free and nothing waits on its route.
	Idle bool
	// Options are those of the tasks. Keys and policies of batches have no place there.
	Options []Option
}

const (
	defaultSize  = 50
	defaultDelay = 2 * time.Millisecond
)

// KeyErrors is an error of the function of a [Batcher] that is different for each key. Keys that are neither in it nor in
// the answer get [ErrNoResult].
type KeyErrors[K comparable] map[K]error

func (e KeyErrors[K]) Error() string { return fmt.Sprintf("orchestrator: %d keys failed", len(e)) }

// NewBatcher returns a batcher over a function. The function is given keys, each once, and returns what it found for
// them; an error that is no [KeyErrors] is everybody's. It must be safe for concurrent use.
func NewBatcher[K comparable, V any](o *Orchestrator, fetch func(ctx context.Context, keys []K) (map[K]V, error), cfg BatcherConfig) (*Batcher[K, V], error) {
	if cfg.Size < 0 {
		return nil, fmt.Errorf("orchestrator: batches of %d keys: want 1 or more, or 0 for %d", cfg.Size, defaultSize)
	}
	set, err := collect(cfg.Options)
	if err != nil {
		return nil, err
	}
	if set != nil && (set.key != nil || set.progress != nil) {
		return nil, errors.New("orchestrator: a batcher's tasks have no keys and are in no batch")
	}
	fill(&cfg.Size, defaultSize)
	fill(&cfg.Delay, defaultDelay)
	b := &Batcher[K, V]{o: o, fetch: fetch, cfg: cfg, set: set}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drain.batches = append(o.drain.batches, b)
	return b, nil
}

// Load returns what the function finds for a key. When ctx ends first it returns its cause; the call goes on while
// anybody waits for one of its keys. Errors: those of the function, [ErrNoResult], and those of [Submit].
func (b *Batcher[K, V]) Load(ctx context.Context, key K) (V, error) {
	var zero V
	if ctx.Err() != nil {
		return zero, context.Cause(ctx)
	}
	_ = map[K]struct{}{key: {}} // a key that cannot be one panics here, before anything is locked
	idle := b.cfg.Idle && b.o.hasRoomFor(b.set)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return zero, ErrClosed
	}
	c := b.open
	if c == nil {
		c = b.beginLocked(ctx)
	}
	a := c.asked[key]
	if a == nil {
		a = &answer[V]{done: make(chan struct{})}
		c.asked[key] = a
		c.order = append(c.order, question[K, V]{key, a})
	}
	a.wanted++
	c.wanted++
	send := !c.sent && (len(c.order) == b.cfg.Size || b.cfg.Delay < 0 || idle)
	c.sent = c.sent || send
	if len(c.order) == b.cfg.Size {
		b.open = nil
	}
	b.mu.Unlock()
	if send {
		b.o.spawn(c.send) // it may wait for room, which is not this caller's alone
	}
	if err := b.o.await(ctx, a.done); err != nil {
		c.leave(a, err)
		return zero, err
	}
	return a.value, a.err
}

// spawn runs a function in a goroutine that the orchestrator waits for.
func (o *Orchestrator) spawn(fn func()) {
	o.mu.Lock()
	o.active++
	o.mu.Unlock()
	go func() {
		fn()
		o.mu.Lock()
		o.active--
		o.quietLocked()
		o.unlock()
	}()
}

// hasRoomFor reports whether a task would find a slot and nobody before it.
func (o *Orchestrator) hasRoomFor(set *options) bool {
	route := o.cfg.Route
	if set != nil && set.route != "" {
		route = set.route
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.lanes[route]
	return o.slots.free() > 0 && (n == nil || n.queue.len == 0 && n.holds() < n.most)
}

func (b *Batcher[K, V]) beginLocked(ctx context.Context) *call[K, V] {
	c := &call[K, V]{b: b, asked: map[K]*answer[V]{}}
	c.ctx, c.cancel = context.WithCancelCause(outside{context.WithoutCancel(ctx)})
	b.open = c
	if b.cfg.Delay > 0 {
		c.timer = time.AfterFunc(b.cfg.Delay, c.flush)
	}
	return c
}

// flush makes a task of the keys that gather, if they are none yet, for the last time: the orchestrator ends, and takes
// it whether there is room or not.
func (b *Batcher[K, V]) flush() {
	b.mu.Lock()
	b.closed = true
	c := b.open
	b.open = nil
	send := c != nil && !c.sent
	if send {
		c.sent = true
	}
	b.mu.Unlock()
	if send {
		c.task(func(t *task) error { b.o.force(t, c.ctx.Done()); return nil })
	}
}

// force queues a task whatever else waits.
func (o *Orchestrator) force(t *task, done <-chan struct{}) {
	at := o.now()
	o.trace(t, nil, at)
	o.mu.Lock()
	o.takeRoomLocked(1, t.declared().cost)
	o.enqueueLocked(t, done, at)
	o.unlock()
}
