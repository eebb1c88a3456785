package orchestrator

import (
	"context"
	"sync/atomic"
)

// item is one task of a batch.
type item[T any] struct {
	task

	b     *Batch[T]
	fn    Task[T]
	value T
	seat  *seat[T] // in the run that it shares; nil for a run of its own
	room  *waiting
	index int32
}

// part holds the tasks that one call added.
type part[T any] struct {
	first int // the index of the first task
	items []item[T]
}

// waiting counts the tasks of a call that wait for room.
type waiting struct {
	left atomic.Int32
	done chan struct{}
}

func (t *item[T]) base() *task { return &t.task }

func (t *item[T]) function() Task[T] { return t.fn }

func (t *item[T]) sits(s *seat[T]) { t.seat = s }

func (t *item[T]) batch() any { return t.b }

func (t *item[T]) outside() { t.room.left.Add(1) }

func (t *item[T]) admitted() {
	if t.room.left.Add(-1) == 0 {
		close(t.room.done)
	}
}

func (t *item[T]) do(ctx context.Context) (err error) {
	value, err := t.fn(ctx)
	t.value = value
	return err
}

func (t *item[T]) ended() { t.b.note(t) }

func (t *item[T]) outcome() Outcome[T] { return outcomeOf(&t.task, &t.value) }

// receive ends a task that shares a run.
func (t *item[T]) receive(value T, err error) {
	o := t.opts.o
	t.value = value
	t.Conclude(t.seat.at, o.now(), err)
	o.observe.shared(&t.task)
	t.b.note(t)
}

// cancelled ends tasks that were not queued, because their context had ended before.
func cancelled[T any](items []item[T], why error) {
	for i := range items {
		t := &items[i]
		now := t.opts.o.now()
		t.Conclude(now, now, why)
		t.opts.o.observe.ended(&t.task)
		t.ended()
	}
}
