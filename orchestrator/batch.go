package orchestrator

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// Batch is a number of tasks that were enqueued together, under one id. Its methods are safe for concurrent use.
type Batch[T any] struct {
	id string // fixed, like o
	o  *Orchestrator

	mu       sync.Mutex
	outcomes []Outcome[T]
	order    []int         // indexes of ended tasks, in the order of ending
	news     chan struct{} // closed and replaced with each ended task
	done     chan struct{} // closed when all have ended
}

// EnqueueBatch queues tasks together and returns without waiting for them. The id must not be that of a batch that is
// still kept ([ErrBatchExists]); "" takes a random one. A finished batch is kept until somebody has awaited it, at most
// 1,000 of them. ctx is the context of every task. A batch of no tasks is finished at once.
func EnqueueBatch[T any](ctx context.Context, o *Orchestrator, id string, tasks []Task[T], opts ...Option) (*Batch[T], error) {
	if id == "" {
		id = uuid.NewString()
	}
	b := &Batch[T]{
		id: id, o: o, outcomes: make([]Outcome[T], len(tasks)), order: make([]int, 0, len(tasks)),
		news: make(chan struct{}), done: make(chan struct{}),
	}
	if err := o.addBatch(id, b); err != nil {
		return nil, err
	}
	finished := func() {
		o.finishBatch(id)
		close(b.done)
	}
	if len(tasks) == 0 {
		finished()
	}
	set := collect(opts)
	for i, fn := range tasks {
		end := func(out Outcome[T]) {
			if b.end(i, out) {
				finished()
			}
		}
		// Refused half-way, because ctx ended or the orchestrator closed: the rest end with that, and none is missing.
		if err := submit(ctx, o, set, fn, end); err != nil {
			end(Outcome[T]{Err: err})
		}
	}
	return b, nil
}

// AwaitBatch waits for the batch of an id and returns its outcomes like [Batch.Await]. Errors: [ErrUnknownBatch],
// [ErrBatchType].
func AwaitBatch[T any](ctx context.Context, o *Orchestrator, id string) ([]Outcome[T], error) {
	kept, ok := o.batch(id)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownBatch, id)
	}
	b, ok := kept.(*Batch[T])
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %T", ErrBatchType, id, kept)
	}
	return b.Await(ctx)
}

// end notes the outcome of a task and reports whether it was the last.
func (b *Batch[T]) end(i int, out Outcome[T]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcomes[i] = out
	b.order = append(b.order, i)
	close(b.news)
	b.news = make(chan struct{})
	return len(b.order) == len(b.outcomes)
}

// ID is the name of the batch.
func (b *Batch[T]) ID() string { return b.id }

// Total is the number of its tasks.
func (b *Batch[T]) Total() int { return len(b.outcomes) }

// Done is how many of them have ended.
func (b *Batch[T]) Done() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.order)
}

// Await waits until every task has ended and returns their outcomes, one for each, in the order in which they were
// enqueued; the error is a [BatchError] if any failed. When ctx ends first it returns nil and its cause; the tasks go
// on. Any number of callers may await a batch, any number of times; the first that gets the outcomes frees the id.
func (b *Batch[T]) Await(ctx context.Context) ([]Outcome[T], error) {
	if err := await(ctx, b.done); err != nil {
		return nil, err
	}
	b.o.forgetBatch(b.id, b)
	outcomes := slices.Clone(b.outcomes)
	failed := map[int]error{}
	for i, out := range outcomes {
		if out.Err != nil {
			failed[i] = out.Err
		}
	}
	if len(failed) > 0 {
		return outcomes, &BatchError{ID: b.id, Failed: failed}
	}
	return outcomes, nil
}

// Completed yields the index and outcome of each task in the order of ending, as they end. It stops early when ctx
// ends. A consumer that is slow delays nobody but itself.
func (b *Batch[T]) Completed(ctx context.Context) iter.Seq2[int, Outcome[T]] {
	return func(yield func(int, Outcome[T]) bool) {
		for next := 0; next < len(b.outcomes); next++ {
			b.mu.Lock()
			for len(b.order) <= next {
				news := b.news
				b.mu.Unlock()
				select {
				case <-news:
				case <-ctx.Done():
					return
				}
				b.mu.Lock()
			}
			i := b.order[next]
			out := b.outcomes[i]
			b.mu.Unlock()
			if !yield(i, out) {
				return
			}
		}
	}
}
