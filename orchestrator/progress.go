package orchestrator

import (
	"context"
	"iter"
	"time"
)

// Progress is how far a batch has come.
type Progress struct {
	ID     string `json:"id"`
	Done   int    `json:"done"`   // tasks that have ended
	Total  int    `json:"total"`  // tasks
	Failed int    `json:"failed"` // of those that have ended, with an error
}

// progressEvery is the least time between two yields of [Batch.Progress].
const progressEvery = 100 * time.Millisecond

// Progress yields how far the batch has come, in the goroutine of its caller: after each change, at most ten times a
// second, and at last when all tasks have ended. Each value is current. Progress stops early when ctx ends. In a task
// of the batch itself it yields the current value, once.
func (b *Batch[T]) Progress(ctx context.Context) iter.Seq[Progress] {
	return func(yield func(Progress) bool) {
		inside := b.contains(b.o.running(ctx))
		last := Progress{Done: -1}
		for {
			finished := b.isFinished()
			p := b.progress() // the final value if the batch has finished
			if p != last && !yield(p) || finished || inside {
				return
			}
			last = p
			if !b.hasEnded(ctx, p.Done) && ctx.Err() != nil || !b.isFinished() && b.pause(ctx) != nil {
				return
			}
		}
	}
}

// pause waits a moment, or until the batch has finished.
func (b *Batch[T]) pause(ctx context.Context) error {
	pause := time.NewTimer(progressEvery)
	defer pause.Stop()
	if back := b.o.lend(ctx); back != nil {
		defer back(ctx)
	}
	select {
	case <-pause.C:
	case <-b.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (b *Batch[T]) isFinished() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.finished
}

func (b *Batch[T]) progress() Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Progress{ID: b.id, Done: len(b.order), Total: b.total, Failed: b.failed}
}
