package orchestrator

import "context"

// item is one task of a batch.
type item[T any] struct {
	task

	b       *Batch[T]
	fn      Task[T]
	value   T
	err     error
	endedAt int64
	index   int32
}

func (t *item[T]) do(ctx context.Context) (err error) {
	value, err := t.fn(ctx)
	t.value = value
	return err
}

func (t *item[T]) settle(err error, at int64, _ bool) { t.err, t.endedAt = err, at }

func (t *item[T]) failure() error { return t.err }

func (t *item[T]) base() *task { return &t.task }

func (t *item[T]) receive(value T) { t.value = value }

func (t *item[T]) tell() {
	b := t.b
	b.mu.Lock()
	b.order = append(b.order, t.index)
	if t.err != nil {
		b.failed++
	}
	b.newsLocked()
	heard, last := b.listeners, b.opening == 0 && len(b.order) == b.total
	b.mu.Unlock()
	for _, l := range heard {
		l.nudge()
	}
	if last {
		b.check()
	}
}
