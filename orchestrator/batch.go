package orchestrator

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// Batch is a group of tasks that were enqueued together. Its methods are safe for concurrent use. It keeps the outcomes
// of its tasks. It drops their functions and contexts when the last task has ended.
type Batch[T any] struct {
	id string // fixed, like o
	o  *Orchestrator

	mu       sync.Mutex
	parts    []part[T]    // the tasks, by the calls that added them; nil once all tasks have ended
	total    int          // tasks
	outcomes []Outcome[T] // made when all tasks have ended
	order    []int32      // indexes of ended tasks, in the order of ending
	failed   int
	joining  int           // calls that are still adding tasks
	finished bool          // no more tasks are added
	news     chan struct{} // closed and replaced with each ended task; nil while no caller waits
	done     chan struct{} // closed when all tasks have ended
	failures *BatchError   // made once; nil if no task failed
	span     trace.Span
}

// note records that a task has ended.
func (b *Batch[T]) note(t *item[T]) {
	b.mu.Lock()
	b.order = append(b.order, t.index)
	if t.Err() != nil {
		b.failed++
	}
	b.newsLocked()
	last := b.joining == 0 && len(b.order) == b.total
	b.mu.Unlock()
	if last {
		b.check()
	}
}

// newsLocked wakes the callers that wait for the next task to end.
func (b *Batch[T]) newsLocked() {
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// check finishes the batch if all its tasks have ended.
func (b *Batch[T]) check() {
	if b.finish() {
		endSpan(b.span, nil)
		close(b.done)
	}
}

// finish reports whether this call has finished the batch.
func (b *Batch[T]) finish() bool {
	r, now := &b.o.batches, b.o.now()
	if b.id != "" {
		r.mu.Lock() // so that no call adds to the batch at this moment
		defer r.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finished || b.joining > 0 || len(b.order) < b.total {
		return false
	}
	b.finished = true
	b.newsLocked()
	b.outcomes = make([]Outcome[T], 0, b.total)
	for _, p := range b.parts {
		for i := range p.items {
			b.outcomes = append(b.outcomes, p.items[i].outcome())
		}
	}
	b.parts = nil // with the functions and contexts of the tasks
	b.failures = failuresOf(b.id, b.outcomes, b.failed)
	if b.id != "" {
		r.finished(b.id, b, now)
	}
	return true
}

// ID returns the id of the batch, "" for a batch without an id.
func (b *Batch[T]) ID() string { return b.id }

// Total returns the number of tasks.
func (b *Batch[T]) Total() int { return b.progress().Total }

// Done returns how many tasks have ended.
func (b *Batch[T]) Done() int { return b.progress().Done }

// Failed returns how many tasks have ended with an error.
func (b *Batch[T]) Failed() int { return b.progress().Failed }

// Map queues a call of a function for each of some values, as a batch: the i-th outcome belongs to the i-th value.
func Map[In, T any](ctx context.Context, o *Orchestrator, id string, in []In, fn func(context.Context, In) (T, error), opts ...Option) (*Batch[T], error) {
	tasks := make([]Task[T], len(in))
	for i, v := range in {
		tasks[i] = func(ctx context.Context) (T, error) { return fn(ctx, v) }
	}
	return EnqueueBatch(ctx, o, id, tasks, opts...)
}

// outcomeLocked returns the outcome of a task that has ended.
func (b *Batch[T]) outcomeLocked(i int) Outcome[T] {
	if b.finished {
		return b.outcomes[i]
	}
	k := len(b.parts) - 1
	for b.parts[k].first > i {
		k--
	}
	return b.parts[k].items[i-b.parts[k].first].outcome()
}
