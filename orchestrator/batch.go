package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

// Batch is a number of tasks that were enqueued together, under one id. Its methods are safe for concurrent use.
type Batch[T any] struct {
	id    string // fixed, like o and entry
	o     *Orchestrator
	entry *entry

	mu        sync.Mutex
	parts     []part[T]
	total     int
	order     []int32 // indexes of ended tasks, in the order of ending
	failed    int
	opening   int           // calls whose tasks are still coming
	finished  bool          // nothing is added any more
	news      chan struct{} // closed and replaced with each ended task; nil while nobody waits for one
	done      chan struct{} // closed when all have ended
	span      trace.Span
	listeners []*listener
}

// part is the tasks of a batch that were enqueued by one call.
type part[T any] struct {
	first int // the index of the first
	items []item[T]
}

// EnqueueBatch queues tasks together and returns without waiting for them, unless there is no room and [Config.Full] is
// [Wait]. "" as an id takes a random one; what becomes of a batch whose id is that of one that is kept is said by
// [OnLive] and [OnFinished]. ctx is the context of every task. A batch of no tasks is finished at once.
//
// Errors: [ErrClosed], [ErrBatchExists], [ErrBatchType], [*FullError], [*CostError]. A batch that could not be queued to
// its end, because ctx ended, has outcomes for the rest, too.
func EnqueueBatch[T any](ctx context.Context, o *Orchestrator, id string, tasks []Task[T], opts ...Option) (*Batch[T], error) {
	set, err := collect(opts)
	if err != nil {
		return nil, err
	}
	if set == nil {
		set = &options{name: plainName}
	}
	if id == "" {
		id = uuid.NewString()
	}
	b := &Batch[T]{id: id, o: o, done: make(chan struct{})}
	keys := make([]string, len(tasks))
	if set.key != nil {
		for i := range keys {
			keys[i] = set.key(i)
		}
	}
	b.traceBatch(ctx, len(tasks))
	o.mu.Lock()
	into, err := b.registerLocked(set)
	joins := err == nil && into != b && set.live == LiveJoins
	if joins {
		into.listenLocked(set)
	}
	o.unlock()
	if into != b {
		b.traceEnd(err)
	}
	if err != nil || joins {
		return into, err
	}
	items, at := make([]item[T], len(tasks)), o.now()
	for i := range items {
		t := &items[i]
		t.fn, t.job, t.ctx, t.opts = tasks[i], t, ctx, set
		if keys[i] == "" {
			o.trace(&t.task, b.span, at)
		}
	}
	done, gone := ctx.Done(), ctx.Err() != nil
	together := false
	o.mu.Lock()
	into.adoptLocked(items)
	if !gone {
		together, err = into.enterLocked(items, set, done)
	}
	if err != nil {
		b.leaveLocked(into, items)
	} else {
		o.batches.takenInLocked(into.entry)
		into.listenLocked(set)
	}
	o.unlock()
	if err != nil {
		for i := range items {
			o.traceRefused(&items[i].task, err)
		}
		into.opened()
		return nil, err
	}
	if !together {
		into.enqueueEach(ctx, items, keys)
	}
	into.opened()
	return into, nil
}

// enterLocked queues the tasks of a batch together, if they have no keys and there is room for all of them. If there is
// none it says so, or leaves them to be queued one by one.
func (b *Batch[T]) enterLocked(items []item[T], set *options, done <-chan struct{}) (together bool, err error) {
	o := b.o
	if set.cost > o.cfg.MaxCost {
		return false, &CostError{Cost: set.cost, Max: o.cfg.MaxCost}
	}
	if set.key != nil || len(items) == 0 {
		return false, nil
	}
	if waits, err := o.takeIfRoomLocked(len(items), set); waits || err != nil {
		return false, err
	}
	at := o.now()
	for i := range items {
		t := &items[i].task
		o.joinLaneLocked(t, at)
		t.state = queued
		set.lane.queue.push(t)
		o.watchLocked(t, done, len(items))
	}
	set.lane.movedLocked()
	o.wakeLocked()
	return true, nil
}

// registerLocked gives the batch its id, or returns the one that has it, if the tasks are to join that. Tasks may come to
// what it returns until that is opened.
func (b *Batch[T]) registerLocked(set *options) (*Batch[T], error) {
	if b.o.drain.closed {
		return nil, ErrClosed
	}
	e, there, err := b.o.batches.addLocked(b.id, b, set)
	if err != nil {
		return nil, err
	}
	if there == nil {
		b.entry, b.opening = e, 1
		return b, nil
	}
	other, ok := there.(*Batch[T])
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %T", ErrBatchType, b.id, there)
	}
	if set.live == LiveAppends {
		other.mu.Lock()
		other.opening++
		other.mu.Unlock()
	}
	return other, nil
}

// opened notes that all tasks of a call have come.
func (b *Batch[T]) opened() {
	b.mu.Lock()
	b.opening--
	b.mu.Unlock()
	b.check()
}

// leaveLocked takes back the id of a batch for which there was no room, or its tasks out of the one that it joined.
func (b *Batch[T]) leaveLocked(into *Batch[T], items []item[T]) {
	into.mu.Lock()
	into.parts = into.parts[:len(into.parts)-1]
	into.total -= len(items)
	nobody := into.total == 0 && into.opening == 1
	into.mu.Unlock()
	if into == b && nobody { // else others have joined it meanwhile
		b.o.batches.takeBackLocked(b.entry)
	}
}

// adoptLocked takes tasks into the batch, which is live.
func (b *Batch[T]) adoptLocked(items []item[T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range items {
		items[i].b, items[i].index = b, int32(b.total+i) //nolint:gosec // not that many tasks
	}
	b.parts = append(b.parts, part[T]{b.total, items})
	b.total += len(items)
	b.order = slices.Grow(b.order, len(items))
}

// at is the task of an index.
func (b *Batch[T]) at(i int) *item[T] {
	k := len(b.parts) - 1
	for b.parts[k].first > i {
		k--
	}
	return &b.parts[k].items[i-b.parts[k].first]
}

// enqueueEach queues tasks one by one that were not queued together: because they have keys, or as there is room. Where one
// cannot be queued the batch has an outcome for it none the less.
func (b *Batch[T]) enqueueEach(ctx context.Context, items []item[T], keys []string) {
	for i := range items {
		t := &items[i]
		var err error
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
			b.o.traceRefused(&t.task, err)
		case keys[i] != "":
			err = share(b.o, keys[i], t.fn, t)
		default:
			err = b.o.submit(&t.task, ctx.Done())
		}
		if err != nil {
			t.queuedAt = b.o.now()
			t.settle(err, t.queuedAt, false)
			t.tell()
		}
	}
}

// newsLocked wakes those who wait for the next task to end.
func (b *Batch[T]) newsLocked() {
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// check finishes the batch if all its tasks have ended.
func (b *Batch[T]) check() {
	o := b.o
	o.mu.Lock()
	b.mu.Lock()
	finished := !b.finished && b.opening == 0 && len(b.order) == b.total
	if finished {
		b.finished = true
		b.newsLocked()
		o.finishedLocked(b.entry)
	}
	b.mu.Unlock()
	o.unlock()
	if finished {
		b.traceEnd(nil)
		close(b.done)
	}
}

// ID is the name of the batch.
func (b *Batch[T]) ID() string { return b.id }

// Total is the number of its tasks.
func (b *Batch[T]) Total() int { return b.progress().Total }

// Done is how many of them have ended.
func (b *Batch[T]) Done() int { return b.progress().Done }

// Failed is how many of these ended with an error.
func (b *Batch[T]) Failed() int { return b.progress().Failed }

// Map queues a call of a function for each of some values, as a batch: the i-th outcome is that of the i-th value.
func Map[In, T any](ctx context.Context, o *Orchestrator, id string, in []In, fn func(context.Context, In) (T, error), opts ...Option) (*Batch[T], error) {
	tasks := make([]Task[T], len(in))
	for i, v := range in {
		tasks[i] = func(ctx context.Context) (T, error) { return fn(ctx, v) }
	}
	return EnqueueBatch(ctx, o, id, tasks, opts...)
}
