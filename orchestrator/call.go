package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// question is a key that is asked for. A key that is not equal to itself is found nowhere else.
type question[K comparable, V any] struct {
	key K
	*answer[V]
}

// call is one call of the function, before it begins and while it runs.
type call[K comparable, V any] struct {
	b      *Batcher[K, V]
	ctx    context.Context //nolint:containedctx // of the task: it ends when the last who waits has left
	cancel context.CancelCauseFunc
	timer  *time.Timer
	asked  map[K]*answer[V]
	order  []question[K, V]
	wanted int  // who waits for any of its keys
	sent   bool // it is a task
	begun  bool // its function runs
}

// answer is what comes of one key.
type answer[V any] struct {
	done   chan struct{}
	wanted int
	value  V
	err    error
}

func (c *call[K, V]) flush() {
	c.b.mu.Lock()
	send := !c.sent
	c.sent = true
	c.b.mu.Unlock()
	if send {
		c.b.o.spawn(c.send)
	}
}

func (c *call[K, V]) send() {
	c.task(func(t *task) error { return c.b.o.submit(t, c.ctx.Done()) })
}

// task makes a task of the call and queues it. What goes wrong with that is everybody's error.
func (c *call[K, V]) task(queue func(*task) error) {
	if c.timer != nil {
		c.timer.Stop()
	}
	t := &round[K, V]{call: c}
	t.job, t.ctx, t.opts = t, c.ctx, c.b.set
	err := context.Cause(c.ctx)
	if err == nil {
		err = queue(&t.task)
	}
	if err != nil {
		c.settle(nil, err)
	}
}

// leave takes out one who waits no longer. With the last of them the call ends.
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
		if c.timer != nil {
			c.timer.Stop()
		}
		c.cancel(why)
	}
}

// begin closes the call to further keys and returns those that somebody still waits for.
func (c *call[K, V]) begin() []K {
	b := c.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == c {
		b.open = nil
	}
	if !c.begun { // the same ones in each attempt
		c.order = slices.DeleteFunc(c.order, func(q question[K, V]) bool { return q.wanted == 0 })
	}
	c.begun = true
	keys := make([]K, len(c.order))
	for i, q := range c.order {
		keys[i] = q.key
	}
	return keys
}

// settle answers everybody, once.
func (c *call[K, V]) settle(found map[K]V, err error) {
	b := c.b
	b.mu.Lock()
	if b.open == c {
		b.open = nil
	}
	asked, order := c.asked, c.order
	c.asked, c.order = nil, nil
	b.mu.Unlock()
	c.cancel(nil)
	each, differ := errors.AsType[KeyErrors[K]](err)
	strangers := 0
	for k := range found {
		if _, ok := asked[k]; !ok {
			strangers++
		}
	}
	for _, q := range order {
		k, a := q.key, q.answer
		value, ok := found[k]
		switch {
		case ok && (err == nil || differ && each[k] == nil):
			a.value = value
		case differ && each[k] != nil:
			a.err = each[k]
		case err != nil && !differ:
			a.err = err
		case strangers > 0:
			a.err = fmt.Errorf("%w: %v, but %d that were not asked for", ErrNoResult, k, strangers)
		default:
			a.err = fmt.Errorf("%w: %v", ErrNoResult, k)
		}
		close(a.done)
	}
}

// round is the task of a call.
type round[K comparable, V any] struct {
	task

	call  *call[K, V]
	found map[K]V
	each  error // a KeyErrors
	err   error
}

func (r *round[K, V]) do(ctx context.Context) (err error) {
	keys := r.call.begin()
	if len(keys) == 0 {
		return context.Canceled // everybody has left in this moment
	}
	found, err := r.call.b.fetch(ctx, keys)
	r.found = found
	if _, differ := errors.AsType[KeyErrors[K]](err); differ {
		r.each = err
		return nil // each has its own: another attempt would ask for all of them
	}
	return err
}

func (r *round[K, V]) tell() {
	switch {
	case r.is(lost):
		r.call.settle(nil, r.err)
	case r.err == nil:
		r.call.settle(r.found, r.each)
	default:
		r.call.settle(r.found, r.err)
	}
}

func (r *round[K, V]) settle(err error, _ int64, _ bool) { r.err = err }

func (r *round[K, V]) failure() error { return r.err }
