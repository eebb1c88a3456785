package orchestrator

import (
	"context"
	"iter"
	"time"
)

// Outcome is how a task ended.
type Outcome[T any] struct {
	Value    T
	Err      error
	Waited   time.Duration // from when the task was queued until it first started, or ended unstarted
	Ran      time.Duration // from the first start until the end, with waits between attempts; 0 if never started itself
	Attempts int           // how often the task started; 0 if it shared another task's run: see [Key]
}

// outcomeOf returns how a task ended. If its function still runs, the value is zero.
func outcomeOf[T any](t *task, value *T) Outcome[T] {
	out := Outcome[T]{Err: t.Err(), Waited: t.Waited(), Ran: t.Ran(), Attempts: t.Tries()}
	if !t.GivenUp() {
		out.Value = *value
	}
	return out
}

// Await waits until every task has ended and returns one outcome for each task, in the order in which they were
// enqueued. It returns an error only if there are no outcomes: ctx has ended, and the tasks continue, or a task awaits
// the batch it belongs to ([ErrAwaitsItself]). Any number of callers may await a batch, any number of times. A task
// that awaits another batch lends its slot meanwhile.
func (b *Batch[T]) Await(ctx context.Context) ([]Outcome[T], error) {
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	return append(make([]Outcome[T], 0, len(b.outcomes)), b.outcomes...), nil
}

// Values waits until every task has ended and returns one value for each task, in the order in which they were
// enqueued. A task that failed has the zero value. The error is a [*BatchError] that joins the failures, or nil. If
// there are no values, the error is that of [Batch.Await].
func (b *Batch[T]) Values(ctx context.Context) ([]T, error) {
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	values := make([]T, len(b.outcomes))
	for i := range b.outcomes {
		if b.outcomes[i].Err == nil {
			values[i] = b.outcomes[i].Value
		}
	}
	if b.failures != nil {
		return values, b.failures
	}
	return values, nil
}

// wait waits until every task has ended. From then on the outcomes are fixed.
func (b *Batch[T]) wait(ctx context.Context) error {
	if b.contains(b.o.running(ctx)) {
		return ErrAwaitsItself
	}
	if err := b.o.await(ctx, b.done); err != nil {
		return err
	}
	b.o.batches.awaited(b.id, b, b.o.now())
	return nil
}

// contains reports whether an attempt belongs to a task of the batch, or to a run that a task of the batch shares.
func (b *Batch[T]) contains(r *run) bool {
	if r == nil {
		return false
	}
	switch c := r.t.client().(type) {
	case interface{ batch() any }:
		return c.batch() == any(b)
	case interface{ serves(any) bool }:
		return c.serves(b)
	}
	return false
}

// Completed yields the index and outcome of each task in the order of ending, as they end, including tasks that are
// added meanwhile. It stops early when ctx ends. In a task of the batch itself it yields only -1 and [ErrAwaitsItself].
// A slow consumer delays only itself.
func (b *Batch[T]) Completed(ctx context.Context) iter.Seq2[int, Outcome[T]] {
	return func(yield func(int, Outcome[T]) bool) {
		if b.contains(b.o.running(ctx)) {
			yield(-1, Outcome[T]{Err: ErrAwaitsItself})
			return
		}
		for next := 0; b.hasEnded(ctx, next); next++ {
			b.mu.Lock()
			i := int(b.order[next])
			out := b.outcomeLocked(i)
			b.mu.Unlock()
			if !yield(i, out) {
				return
			}
		}
	}
}

// hasEnded waits until more than some tasks have ended. It returns false if there are no more tasks, or ctx ends.
func (b *Batch[T]) hasEnded(ctx context.Context, some int) bool {
	for {
		b.mu.Lock()
		if len(b.order) > some || b.finished {
			defer b.mu.Unlock()
			return len(b.order) > some
		}
		if b.news == nil {
			b.news = make(chan struct{})
		}
		news := b.news
		b.mu.Unlock()
		if b.o.await(ctx, news) != nil {
			return false
		}
	}
}
