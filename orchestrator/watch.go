package orchestrator

import "context"

// watch waits for the end of a context on behalf of all tasks that wait to start under it: one goroutine when it ends,
// not one for each task.
type watch struct {
	ctx   context.Context //nolint:containedctx // what it watches
	done  <-chan struct{} // of ctx
	next  *watch          // in the list that unlock works off
	tasks []*task
	stop  func() bool // ends it; nil while it has not begun
	idle  bool        // nobody needs it any more
}

// watchLocked watches over a task's context, whose channel the caller has asked for.
// It may be the first of a number of tasks.
func (o *Orchestrator) watchLocked(t *task, done <-chan struct{}, more int) {
	if done == nil {
		return
	}
	w := o.watched // most tasks come under the same context as the one before
	if w == nil || w.done != done || w.idle {
		w = o.watches[done]
	}
	if w == nil {
		w = &watch{ctx: t.ctx, done: done, tasks: o.spare}
		if o.spare = nil; cap(w.tasks) < more {
			w.tasks = make([]*task, 0, more)
		}
		o.watches[done] = w
		w.next, o.begun = o.begun, w
	}
	o.watched = w
	t.watch, t.watched = w, int32(len(w.tasks)) //nolint:gosec // not that many tasks
	w.tasks = append(w.tasks, t)
}

// beginWatch begins one, without mu: contexts are code of others.
func (o *Orchestrator) beginWatch(w *watch) {
	stop := context.AfterFunc(w.ctx, func() { o.contextEnded(w) })
	o.mu.Lock()
	idle := w.idle
	w.stop = stop
	o.mu.Unlock()
	if idle {
		stop()
	}
}

// unwatchLocked takes a task out of its watch, and ends that with the last.
func (o *Orchestrator) unwatchLocked(t *task) {
	w := t.watch
	if w == nil {
		return
	}
	last := w.tasks[len(w.tasks)-1]
	w.tasks[t.watched], last.watched = last, t.watched
	w.tasks[len(w.tasks)-1] = nil
	w.tasks = w.tasks[:len(w.tasks)-1]
	t.watch = nil
	if len(w.tasks) > 0 {
		return
	}
	delete(o.watches, w.done)
	w.idle = true
	const spare = 1 << 14 // 128 KiB: the room of one watch is that of the next
	if cap(w.tasks) <= spare {
		o.spare = w.tasks
	}
	w.tasks = nil
	if w.stop != nil {
		w.next, o.ended = o.ended, w
	}
}

// contextEnded ends the tasks that wait under a context.
func (o *Orchestrator) contextEnded(w *watch) {
	why := context.Cause(w.ctx)
	o.mu.Lock()
	tasks := w.tasks
	w.tasks, w.idle = nil, true
	if o.watches[w.done] == w {
		delete(o.watches, w.done)
	}
	var n *lane
	for _, t := range tasks {
		t.watch = nil
		if n != nil && n != t.opts.lane {
			n.movedLocked()
		}
		n = t.opts.lane
		o.withdrawLocked(t, why)
	}
	if n != nil {
		n.movedLocked()
		o.wakeLocked()
	}
	o.unlock()
}

// withdraw ends a task that has not started.
func (o *Orchestrator) withdraw(t *task, why error) {
	o.mu.Lock()
	o.withdrawLocked(t, why)
	t.opts.lane.movedLocked()
	o.wakeLocked()
	o.unlock()
}

// withdrawLocked ends a task that has not started. One that executes sees the end of its context by itself.
func (o *Orchestrator) withdrawLocked(t *task, why error) {
	switch t.state {
	case queued:
		t.opts.lane.queue.remove(t)
	case delayed:
		t.more.timer.Stop()
		o.resting.remove(t)
	case joined:
		t.more.leave(why)
		o.overLocked(t, why, o.now())
		return
	default:
		return
	}
	o.leaveRoomLocked(t)
	o.overLocked(t, why, o.now())
}
