package orchestrator

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// outcome is how a task of the batch ended.
func (t *item[T]) outcome() Outcome[T] {
	out := Outcome[T]{Err: t.err, Attempts: int(t.tries)}
	if !t.is(lost) { // else the function may be writing it
		out.Value = t.value
	}
	started := t.attempt.startedAt
	if t.attempt.t == nil { // it did not start, or shared the run of another
		out.Waited = time.Duration(max(0, t.endedAt-t.queuedAt))
		return out
	}
	out.Waited, out.Ran = time.Duration(started-t.queuedAt), time.Duration(t.endedAt-started)
	return out
}

// AwaitBatch waits for the batch of an id and returns its outcomes like [Batch.Await]. Errors: [ErrUnknownBatch],
// [ErrBatchExpired], [ErrBatchType].
func AwaitBatch[T any](ctx context.Context, o *Orchestrator, id string) ([]Outcome[T], error) {
	o.mu.Lock()
	e, err := o.batches.findLocked(id)
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	b, ok := e.batch.(*Batch[T])
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %T", ErrBatchType, id, e.batch)
	}
	return b.Await(ctx)
}

// Await waits until every task has ended and returns their outcomes, one for each, in the order in which they were
// enqueued; the error is a [BatchError] if any failed. When ctx ends first it returns nil and its cause; the tasks go
// on. Any number of callers may await a batch, any number of times. Under its id a finished batch is kept until somebody
// has awaited it and ten seconds longer, and not longer than [Config.KeepBatches]. A task that awaits the batch it
// belongs to gets [ErrAwaitsItself].
func (b *Batch[T]) Await(ctx context.Context) ([]Outcome[T], error) {
	if r := b.o.running(ctx); r != nil && b.has(r) {
		return nil, ErrAwaitsItself
	}
	if err := b.o.await(ctx, b.done); err != nil {
		return nil, err
	}
	b.o.awaited(b.entry)
	outcomes := make([]Outcome[T], 0, b.total)
	failed := map[int]error{}
	for _, p := range b.parts {
		for i := range p.items {
			if err := p.items[i].err; err != nil {
				failed[len(outcomes)] = err
			}
			outcomes = append(outcomes, p.items[i].outcome())
		}
	}
	if len(failed) > 0 {
		return outcomes, &BatchError{ID: b.id, Failed: failed}
	}
	return outcomes, nil
}

// has reports whether an attempt is one of a task of the batch, or of the run that one of them shares.
func (b *Batch[T]) has(r *run) bool {
	if t, ok := r.t.job.(*item[T]); ok {
		return t.b == b
	}
	if !r.t.is(inner) {
		return false
	}
	b.o.mu.Lock()
	defer b.o.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.parts {
		for i := range p.items {
			if m := p.items[i].more; m != nil && m.of == r.t {
				return true
			}
		}
	}
	return false
}

// Completed yields the index and outcome of each task in the order of ending, as they end, those that were added
// meanwhile included. It stops early when ctx ends: in a task of the batch itself, when that task's does. A consumer that is
// slow delays nobody but itself.
func (b *Batch[T]) Completed(ctx context.Context) iter.Seq2[int, Outcome[T]] {
	return func(yield func(int, Outcome[T]) bool) {
		for next := 0; ; next++ {
			b.mu.Lock()
			for len(b.order) <= next && !b.finished {
				if b.news == nil {
					b.news = make(chan struct{})
				}
				news := b.news
				b.mu.Unlock()
				if b.o.await(ctx, news) != nil {
					return
				}
				b.mu.Lock()
			}
			if next >= len(b.order) {
				b.mu.Unlock()
				return
			}
			i := int(b.order[next])
			out := b.at(i).outcome()
			b.mu.Unlock()
			if !yield(i, out) {
				return
			}
		}
	}
}
