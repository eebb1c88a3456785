package orchestrator

import (
	"context"
	"fmt"
	"slices"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// caller is what a call reads from its context before it takes a lock.
type caller struct {
	group *core.Group
	gone  error // why the context has ended; nil if it has not
}

// EnqueueBatch queues tasks together and returns the batch without waiting for its tasks. There is one exception: if
// there is no room and [Config.Full] is [Wait], it returns when each task has room, or has ended. [FindBatch] and
// [AwaitBatch] find a batch by its id; an empty id is none. [OnLive] decides what happens if an unfinished batch has
// the same id. ctx is the context of every task. A batch of no tasks is finished at once.
//
// Either all tasks are queued or none. Errors: the errors of [Submit], [ErrBatchExists], [ErrBatchType]. A batch that
// waited for room until ctx ended has outcomes for all its tasks.
func EnqueueBatch[T any](ctx context.Context, o *Orchestrator, id string, tasks []Task[T], opts ...Option) (*Batch[T], error) {
	set, err := o.collect(opts)
	if err != nil {
		return nil, err
	}
	if err := o.check(set); err != nil {
		return nil, err
	}
	b := &Batch[T]{id: id, o: o, done: make(chan struct{})}
	items, keys := make([]item[T], len(tasks)), []string(nil)
	room := &waiting{done: make(chan struct{})}
	for i := range items {
		t := &items[i]
		t.fn, t.room = tasks[i], room
		o.prepare(&t.task, t, ctx, set)
	}
	if set.key != nil {
		keys = make([]string, len(tasks))
		for i := range keys {
			keys[i] = set.key(i)
		}
	}
	if id != "" {
		if there, err := b.existing(set.live); there != b || err != nil {
			if err != nil || set.live == LiveJoins {
				return there, err
			}
		}
	}
	b.span = o.observe.batch(ctx, id, len(items))
	for i := range items {
		o.observe.submitted(&items[i].task, b.span)
	}
	c := &caller{group: watchOver(ctx)}
	if ctx.Err() != nil {
		c.gone = context.Cause(ctx)
	}
	into, after, err := b.enqueue(c, set.live, items, keys)
	if err != nil {
		for i := range items {
			err = o.refused(&items[i].task, err)
		}
	}
	if err != nil || into != b {
		endSpan(b.span, err)
	}
	if err != nil {
		return nil, err
	}
	if after == nil { // another batch came first, and this one joins it
		for i := range items {
			o.dropped(&items[i].task)
		}
		return into, nil
	}
	return into.entered(ctx, after, items, room), nil
}

// existing returns the unfinished batch that has the id already, as live decides; b if there is no such batch.
func (b *Batch[T]) existing(live Live) (*Batch[T], error) {
	r := &b.o.batches
	r.mu.Lock()
	defer r.mu.Unlock()
	return b.existingLocked(live)
}

func (b *Batch[T]) existingLocked(live Live) (*Batch[T], error) {
	there := b.o.batches.live(b.id)
	if there == nil {
		return b, nil
	}
	if live == LiveFails {
		return nil, fmt.Errorf("%w: %s", ErrBatchExists, b.id)
	}
	other, ok := there.(*Batch[T])
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %T", ErrBatchType, b.id, there)
	}
	return other, nil
}

// enqueue queues the tasks, all or none, in this batch or in the batch that has its id. No other batch is registered
// until this batch is accepted or refused. after must be called without a lock; it is nil if the tasks do not run.
func (b *Batch[T]) enqueue(c *caller, live Live, items []item[T], keys []string) (into *Batch[T], after func(), err error) {
	if b.id == "" {
		after, err = b.enter(c, items, keys)
		return b, after, err
	}
	r := &b.o.batches
	r.mu.Lock()
	defer r.mu.Unlock()
	into, err = b.existingLocked(live)
	if err != nil || into != b && live == LiveJoins {
		return into, nil, err
	}
	after, err = into.enter(c, items, keys)
	if err == nil && into == b {
		r.add(b.id, b)
	}
	return into, after, err
}

// enter adds tasks to the batch and queues them.
func (b *Batch[T]) enter(c *caller, items []item[T], keys []string) (after func(), err error) {
	o := b.o
	b.adopt(items)
	switch {
	case len(items) == 0 || c.gone != nil:
		if after = func() {}; o.closing.Load() {
			err = ErrClosed
		} else if c.gone != nil {
			after = func() { cancelled(items, c.gone) }
		}
	case keys != nil:
		members := make([]member[T], len(items))
		for i := range items {
			members[i] = &items[i]
		}
		after, err = share(o, members, keys, true)
	default:
		tasks := make([]*core.Task, len(items))
		for i := range items {
			tasks[i] = &items[i].Task
		}
		fx := o.arrive(items[0].opts.route, c.group, tasks, &err)
		after = func() { o.do(fx) }
		if err != nil {
			o.doLater(fx)
		}
	}
	if err != nil {
		b.disown(len(items))
	}
	return after, err
}

// entered does what the core has decided about new tasks, and waits until each task has room.
func (b *Batch[T]) entered(ctx context.Context, after func(), items []item[T], room *waiting) *Batch[T] {
	after()
	if room.left.Load() > 0 {
		_ = b.o.await(ctx, room.done) // the tasks end when ctx ends
	}
	for i := range items {
		if s := items[i].seat; s != nil && s.of != nil && s.of.entry() != nil {
			_ = b.o.await(ctx, s.of.entry())
		}
	}
	b.mu.Lock()
	b.joining--
	b.mu.Unlock()
	b.check()
	return b
}

// adopt adds tasks to the batch.
func (b *Batch[T]) adopt(items []item[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joining++
	for i := range items {
		items[i].b, items[i].index = b, int32(b.total+i) //nolint:gosec // not that many tasks
	}
	b.parts = append(b.parts, part[T]{b.total, items})
	b.total += len(items)
	b.order = slices.Grow(b.order, len(items))
}

// disown removes the tasks that were adopted last.
func (b *Batch[T]) disown(n int) {
	b.mu.Lock()
	b.joining--
	b.parts = b.parts[:len(b.parts)-1]
	b.total -= n
	b.mu.Unlock()
	if b.id != "" {
		go b.check() // the other tasks may have ended meanwhile; the registry is locked
	}
}
