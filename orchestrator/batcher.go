package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Batcher collects keys and fetches them together, for providers that answer many keys in one request: each call of its
// function is one task, which takes one token. Callers of one key share the answer if the call for that key has not
// begun; to share a call that has begun, see [Key].
//
// The call is queued with its first key. It is made when it has Size keys, or Delay has passed since the first key, or
// the orchestrator closes. While its task waits for a token and a slot, the call accepts more keys, up to Size: under a
// limit the calls get fuller, and the line does not get longer. A key that was accepted is served, even if the
// orchestrator closes.
//
// The methods are safe for concurrent use. A Batcher has no goroutines and need not be closed.
type Batcher[K comparable, V any] struct {
	o     *Orchestrator // fixed, like those down to set
	fetch func(context.Context, []K) (map[K]V, error)
	cfg   BatcherConfig
	set   *options // of its tasks

	mu   sync.Mutex
	open *call[K, V] // accepts more keys; nil if no call does
}

// BatcherConfig configures a [Batcher].
type BatcherConfig struct {
	// Size is how many keys a call has at most. Zero is 50.
	Size int
	// Delay is how long the first key of a call waits for further keys. Zero is 2 ms; below 0 the key does not wait.
	Delay time.Duration
	// Options are the options of the tasks, without [Key], [Keys] and [OnLive].
	Options []Option
}

const (
	defaultSize  = 50
	defaultDelay = 2 * time.Millisecond
)

// KeyErrors is the error that the function of a [Batcher] returns if keys failed for different reasons. Keys that are
// neither in KeyErrors nor in the answer get [ErrNoResult].
type KeyErrors[K comparable] map[K]error

func (e KeyErrors[K]) Error() string { return fmt.Sprintf("orchestrator: %d keys failed", len(e)) }

// NewBatcher returns a batcher over a function. The function gets keys, each once, and returns a value for each key
// that it found. An error that is no [KeyErrors] is the error of every key. The function must be safe for concurrent
// use.
func NewBatcher[K comparable, V any](o *Orchestrator, fetch func(ctx context.Context, keys []K) (map[K]V, error), cfg BatcherConfig) (*Batcher[K, V], error) {
	if cfg.Size < 0 {
		return nil, fmt.Errorf("orchestrator: batches of %d keys: want 1 or more, or 0 for %d", cfg.Size, defaultSize)
	}
	set, err := o.collect(cfg.Options)
	if err != nil {
		return nil, err
	}
	if set.key != nil || set.live != LiveFails {
		return nil, errors.New("orchestrator: a batcher's tasks have no keys and are in no batch")
	}
	fill(&cfg.Size, defaultSize)
	fill(&cfg.Delay, defaultDelay)
	return &Batcher[K, V]{o: o, fetch: fetch, cfg: cfg, set: set}, nil
}

// call is one call of the function: a task that accepts keys until it begins. The batcher's lock guards all fields
// except the task.
type call[K comparable, V any] struct {
	task

	b      *Batcher[K, V]
	cancel context.CancelCauseFunc
	asked  map[K]*answer[V]
	order  []question[K, V]
	wanted int  // callers that wait for any of its keys
	begun  bool // its function runs
	found  map[K]V
	each   KeyErrors[K]
}

// question is a requested key with its answer. The answer is kept beside the key because a NaN cannot be looked up in a
// map.
type question[K comparable, V any] struct {
	key K
	*answer[V]
}

// answer is the result of one key.
type answer[V any] struct {
	done   chan struct{}
	wanted int
	value  V
	err    error
}

// Load returns the value that the function finds for a key. If ctx ends first, Load returns its cause; the call
// continues while a caller waits for one of its keys. Errors: the errors of the function, [ErrNoResult], and the errors
// of [Submit].
func (b *Batcher[K, V]) Load(ctx context.Context, key K) (V, error) {
	var zero V
	if ctx.Err() != nil {
		return zero, context.Cause(ctx)
	}
	if err := b.o.check(b.set); err != nil {
		return zero, err
	}
	_ = map[K]struct{}{key: {}} // a key that cannot be hashed panics here, before any lock
	c, a, err := b.ask(ctx, key)
	if err != nil {
		return zero, err
	}
	if err := b.o.await(ctx, a.done); err != nil {
		c.leave(a, err)
		return zero, err
	}
	return a.value, a.err
}

// ask adds a key to the call that gathers keys, or to a new call.
func (b *Batcher[K, V]) ask(ctx context.Context, key K) (*call[K, V], *answer[V], error) {
	child := b.o.running(ctx) != nil
	b.mu.Lock()
	c, fx := b.open, (*core.Effects)(nil)
	if c == nil {
		c = b.begin(ctx, child)
		var err error
		if fx = b.o.arrive(b.set.route, nil, []*core.Task{&c.Task}, &err); err != nil {
			b.mu.Unlock()
			b.o.do(fx)
			c.cancel(nil)
			return nil, nil, b.o.refused(&c.task, err)
		}
		b.open = c
	}
	a := c.asked[key]
	if a == nil {
		a = &answer[V]{done: make(chan struct{})}
		c.asked[key] = a
		c.order = append(c.order, question[K, V]{key, a})
	}
	a.wanted++
	c.wanted++
	full := len(c.order) == b.cfg.Size
	if full {
		b.open = nil
	}
	b.mu.Unlock()
	if fx != nil {
		b.o.do(fx)
	}
	if full {
		b.o.do(b.o.input(func(core *core.Core, now core.Time, fx *core.Effects) { core.ArriveAgain(now, fx, &c.Task, c.Rank) }))
	}
	return c, a, nil
}

// begin makes a call that gathers keys.
func (b *Batcher[K, V]) begin(ctx context.Context, child bool) *call[K, V] {
	c := &call[K, V]{b: b, asked: map[K]*answer[V]{}}
	of, cancel := context.WithCancelCause(outside{context.WithoutCancel(ctx)})
	c.cancel = cancel
	c.fill(c, of, b.set) //nolint:contextcheck // the call outlives the caller that began it
	c.Child = child
	b.o.boundWait(&c.task)
	if b.cfg.Delay > 0 {
		c.NotBefore = b.o.now() + min(b.cfg.Delay, forever)
	}
	return c
}

// leave removes a caller that no longer waits. The call ends with its last caller.
func (c *call[K, V]) leave(a *answer[V], why error) {
	b := c.b
	b.mu.Lock()
	a.wanted--
	c.wanted--
	last := c.wanted == 0
	if last && b.open == c {
		b.open = nil
	}
	b.mu.Unlock()
	if last {
		c.cancel(why)
		b.o.leave(&c.task, why)
	}
}

func (c *call[K, V]) base() *task { return &c.task }
func (c *call[K, V]) outside()    {}
func (c *call[K, V]) admitted()   {}

// do closes the call to further keys and fetches the keys that callers still wait for.
func (c *call[K, V]) do(ctx context.Context) (err error) {
	b := c.b
	b.mu.Lock()
	if b.open == c {
		b.open = nil
	}
	if !c.begun { // each attempt has the same keys
		c.order = slices.DeleteFunc(c.order, func(q question[K, V]) bool { return q.wanted == 0 })
	}
	c.begun = true
	keys := make([]K, len(c.order))
	for i, q := range c.order {
		keys[i] = q.key
	}
	b.mu.Unlock()
	if len(keys) == 0 {
		return context.Canceled // the last caller has just left
	}
	found, err := b.fetch(ctx, keys)
	each, differ := errors.AsType[KeyErrors[K]](err)
	b.mu.Lock()
	c.found, c.each = found, each
	b.mu.Unlock()
	if differ {
		return nil // each key has its own error: another attempt would fetch all keys again
	}
	return err
}

// ended passes the answers to all callers.
func (c *call[K, V]) ended() {
	b, err := c.b, c.Err()
	b.mu.Lock()
	if b.open == c {
		b.open = nil
	}
	asked, order, found, each := c.asked, c.order, c.found, c.each
	if c.GivenUp() {
		found, each = nil, nil
	}
	c.asked, c.order = nil, nil
	b.mu.Unlock()
	c.cancel(nil)
	strangers := 0
	for k := range found {
		if _, ok := asked[k]; !ok {
			strangers++
		}
	}
	for _, q := range order {
		value, ok := found[q.key]
		switch {
		case each[q.key] != nil:
			q.err = each[q.key]
		case err != nil:
			q.err = err
		case ok:
			q.value = value
		case strangers > 0:
			q.err = fmt.Errorf("%w: %v, but %d for keys that nobody asked for", ErrNoResult, q.key, strangers)
		default:
			q.err = fmt.Errorf("%w: %v", ErrNoResult, q.key)
		}
		close(q.done)
	}
}
