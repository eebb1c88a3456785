package orchestrator

import "time"

// Progress is how far a batch has come.
type Progress struct {
	ID     string `json:"id"`
	Done   int    `json:"done"`   // tasks that have ended
	Total  int    `json:"total"`  // tasks
	Failed int    `json:"failed"` // of those that have ended, with an error
}

// OnProgress calls a function as a batch comes forward: in a goroutine of its own, one call at a time, at most ten times a
// second, with what is the case then; and once with the last task. A function that is slow misses news and delays
// nobody. One that panics is not called again.
func OnProgress(fn func(Progress)) Option { return func(o *options) { o.progress = fn } }

// progressEvery is the least time between two calls.
const progressEvery = 100 * time.Millisecond

// listener tells a function of the progress of a batch.
type listener struct{ news chan struct{} }

// nudge says that there is news. It never waits.
func (l *listener) nudge() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (b *Batch[T]) progress() Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Progress{ID: b.id, Done: len(b.order), Total: b.total, Failed: b.failed}
}

// listenLocked begins to tell the function of an option of the progress, if there is one. The orchestrator's mu is held.
func (b *Batch[T]) listenLocked(set *options) {
	if set.progress == nil {
		return
	}
	l := &listener{make(chan struct{}, 1)}
	b.mu.Lock()
	b.listeners = append(b.listeners, l)
	b.mu.Unlock()
	l.nudge()
	b.o.active++
	go b.report(l, set.progress)
}

// report calls the function until the batch has finished.
func (b *Batch[T]) report(l *listener, fn func(Progress)) {
	defer func() {
		_ = recover() // the function's own; it is not called again
		b.o.mu.Lock()
		b.o.active--
		b.o.quietLocked()
		b.o.unlock()
	}()
	told := Progress{Done: -1}
	for finished := false; !finished; {
		select {
		case <-b.done:
			finished = true
		case <-l.news:
			select {
			case <-b.done:
				finished = true
			default:
			}
		}
		p := b.progress()
		if p == told || p.Done == 0 && !finished {
			continue
		}
		told = p
		fn(p)
		if finished {
			return
		}
		pause := time.NewTimer(progressEvery)
		select {
		case <-pause.C:
		case <-b.done:
		}
		pause.Stop()
	}
}
