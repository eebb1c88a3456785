package orchestrator

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Live is what becomes of a batch whose id is that of one that has not finished. The zero value is LiveFails.
type Live int

const (
	// LiveFails refuses it with [ErrBatchExists].
	LiveFails Live = iota
	// LiveJoins returns the batch that is there. The tasks of the new one do not run.
	LiveJoins
	// LiveAppends adds the tasks to the batch that is there.
	LiveAppends
)

// Finished is what becomes of a batch whose id is that of one that has finished and is still kept. The zero value is
// FinishedReuses.
type Finished int

const (
	// FinishedReuses takes the id for the new batch; the outcomes of the old one are forgotten.
	FinishedReuses Finished = iota
	// FinishedFails refuses it with [ErrBatchExists].
	FinishedFails
)

// OnLive says what becomes of a batch whose id is that of one that has not finished.
func OnLive(l Live) Option { return func(o *options) { o.live = l } }

// OnFinished says what becomes of a batch whose id is that of one that has finished and is still kept.
func OnFinished(f Finished) Option { return func(o *options) { o.finished = f } }

// registry keeps batches by id, so that they can be awaited by name. It is guarded by the orchestrator's mu. The batches
// that are finished are kept until somebody has awaited them and a moment longer, for a time and up to a number; of
// those that are kept no longer the ids are remembered, up to a greater number.
type registry struct {
	byID map[string]*entry
	// in the order in which they are to be forgotten; those that have been forgotten or reused are skipped
	unawaited, awaited []*entry
	gone               map[string]struct{}
	missed             int64 // that were forgotten though nobody had awaited them
	goneOrder          []string
	timer              *time.Timer
	rings              int64 // when that does, 0 if it does not
}

// entry is one batch of the registry.
type entry struct {
	id      string
	batch   kept
	state   state // executes, then over
	awaited bool
	dropped bool   // it is not in the registry any more
	until   int64  // how long it is kept, once it is over
	old     *entry // of the same id, until it is certain that this one is taken in
}

// kept is a batch whatever the type of its results.
type kept interface {
	progress() Progress
}

const (
	// grace is how long a batch is kept that somebody has awaited, for others who await it at the same time.
	grace = 10 * time.Second
	// remembered is how many ids are remembered for each batch that is kept.
	remembered = 10
)

// addLocked registers a batch. It returns the one of the same id that it joins, if it does.
func (r *registry) addLocked(id string, b kept, set *options) (*entry, kept, error) {
	var old *entry
	if e, ok := r.byID[id]; ok {
		switch {
		case e.state != over && set.live == LiveFails, e.state == over && set.finished == FinishedFails:
			return nil, nil, fmt.Errorf("%w: %s", ErrBatchExists, id)
		case e.state != over:
			return e, e.batch, nil
		}
		old = e
	}
	if r.byID == nil {
		r.byID, r.gone = map[string]*entry{}, map[string]struct{}{}
	}
	e := &entry{id: id, batch: b, state: executes, old: old}
	r.byID[id] = e
	delete(r.gone, id)
	return e, nil, nil
}

// takenInLocked notes that the tasks of a batch were taken in: the one that had its id is forgotten.
func (r *registry) takenInLocked(e *entry) {
	if e.old != nil {
		e.old.dropped = true
		e.old = nil
	}
}

// takeBackLocked gives back the id of a batch that was not taken in after all.
func (r *registry) takeBackLocked(e *entry) {
	e.dropped = true
	delete(r.byID, e.id)
	if e.old != nil && !e.old.dropped {
		r.byID[e.id] = e.old
	}
}

// findLocked returns the batch of an id.
func (r *registry) findLocked(id string) (*entry, error) {
	if e, ok := r.byID[id]; ok {
		return e, nil
	}
	if _, ok := r.gone[id]; ok {
		return nil, fmt.Errorf("%w: %s", ErrBatchExpired, id)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownBatch, id)
}

// finishedLocked notes that all tasks of a batch have ended.
func (o *Orchestrator) finishedLocked(e *entry) {
	r := &o.batches
	e.state, e.until = over, o.now()+int64(o.cfg.KeepBatches)
	r.unawaited = append(r.unawaited, e)
	o.forgetLocked()
}

// awaited notes that somebody has the outcomes of a batch.
func (o *Orchestrator) awaited(e *entry) {
	o.mu.Lock()
	defer o.unlock()
	if e.awaited || e.state != over {
		return
	}
	r := &o.batches
	e.awaited, e.until = true, min(e.until, o.now()+int64(grace))
	r.awaited = append(r.awaited, e)
	o.forgetLocked()
}

// forgetLocked forgets what is kept no longer, and sets the timer for what comes next.
func (o *Orchestrator) forgetLocked() {
	r, now := &o.batches, o.now()
	defer o.warnOfMissedLocked(r.missed)
	r.unawaited = r.restLocked(r.unawaited, now, func(e *entry) bool { return !e.awaited })
	r.awaited = r.restLocked(r.awaited, now, func(*entry) bool { return true })
	for over := len(r.awaited) + len(r.unawaited) - o.cfg.MaxBatches; over > 0; over-- {
		if oldest := &r.awaited; len(*oldest) > 0 {
			r.dropLocked((*oldest)[0])
			*oldest = (*oldest)[1:]
		} else {
			r.dropLocked(r.unawaited[0])
			r.unawaited = r.unawaited[1:]
		}
	}
	for len(r.goneOrder) > remembered*o.cfg.MaxBatches {
		delete(r.gone, r.goneOrder[0])
		r.goneOrder = r.goneOrder[1:]
	}
	next := never
	for _, l := range [][]*entry{r.unawaited, r.awaited} {
		if len(l) > 0 {
			next = min(next, l[0].until)
		}
	}
	if next == never || r.rings > 0 && r.rings <= next || o.drain.closed {
		return
	}
	r.rings = next
	if d := time.Duration(next - now); r.timer == nil {
		r.timer = time.AfterFunc(d, o.forget)
	} else {
		r.timer.Reset(d)
	}
}

func (o *Orchestrator) forget() {
	o.mu.Lock()
	o.batches.rings = 0
	o.forgetLocked()
	o.unlock()
}

// warnOfMissedLocked says so, the first time that batches are forgotten which nobody has awaited.
func (o *Orchestrator) warnOfMissedLocked(before int64) {
	if before == 0 && o.batches.missed > 0 {
		o.warnings = append(o.warnings, func() {
			o.log.LogAttrs(o.life, slog.LevelWarn, "a finished batch was forgotten that nobody had awaited; others will be counted only")
		})
	}
}

// restLocked is what is left of a list when what is not of it any more is dropped, and what has been kept long enough.
func (r *registry) restLocked(l []*entry, now int64, of func(*entry) bool) []*entry {
	return slices.DeleteFunc(l, func(e *entry) bool {
		if !e.dropped && of(e) && e.until <= now {
			r.dropLocked(e)
		}
		return e.dropped || !of(e)
	})
}

// dropLocked forgets a batch but for its id.
func (r *registry) dropLocked(e *entry) {
	e.dropped = true
	if !e.awaited {
		r.missed++
	}
	if r.byID[e.id] != e {
		return
	}
	delete(r.byID, e.id)
	if _, ok := r.gone[e.id]; !ok {
		r.goneOrder = append(slices.DeleteFunc(r.goneOrder, func(id string) bool { return id == e.id }), e.id)
	}
	r.gone[e.id] = struct{}{}
}
