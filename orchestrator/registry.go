package orchestrator

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Live sets what happens to a new batch if an unfinished batch has its id. The zero value is LiveFails.
type Live int

const (
	// LiveFails refuses the new batch with [ErrBatchExists].
	LiveFails Live = iota
	// LiveJoins returns the existing batch. The tasks of the new batch do not run.
	LiveJoins
	// LiveAppends adds the tasks to the existing batch.
	LiveAppends
)

// OnLive sets what happens to a new batch if an unfinished batch has its id. The id of a finished batch is free.
func OnLive(l Live) Option { return func(o *options) { o.live = l } }

// registry finds batches by id. A finished batch is kept for KeepBatches, or for 10 s after it was first awaited; at
// most MaxBatches are kept. The last forgotten ids are remembered, so that AwaitBatch can tell an expired id from an
// unknown one.
type registry struct {
	most   int
	keep   time.Duration
	mu     sync.Mutex
	byID   map[string]*entry
	kept   expiry // the finished batches
	gone   map[string]int
	order  ring[string] // the remembered ids, oldest first
	unseen int64        // batches that were forgotten unawaited
	warn   func()       // called for the first of these
}

// entry is one batch of the registry.
type entry struct {
	id      string
	batch   named
	until   time.Duration
	place   int // in the heap; -1 if not in it
	awaited bool
}

// named is a batch with any type of results.
type named interface{ progress() Progress }

const (
	// grace is how long a batch is kept after a caller has awaited it, for callers that await it at the same time.
	grace = 10 * time.Second
	// remembered is how many ids of forgotten batches are remembered.
	remembered = 1000
)

func newRegistry(most int, keep time.Duration) registry {
	return registry{most: most, keep: keep, byID: map[string]*entry{}, gone: map[string]int{}, order: newRing[string](remembered)}
}

// live returns the unfinished batch of an id, nil if there is none.
func (r *registry) live(id string) named {
	if e := r.byID[id]; e != nil && e.place < 0 {
		return e.batch
	}
	return nil
}

func (r *registry) add(id string, b named) {
	if old := r.byID[id]; old != nil {
		heap.Remove(&r.kept, old.place)
		r.forgot(old)
	}
	r.byID[id] = &entry{id: id, batch: b, place: -1}
}

// finished records that all tasks of a batch have ended.
func (r *registry) finished(id string, b named, now time.Duration) {
	e := r.byID[id]
	if e == nil || e.batch != b { // the batch is not registered: no caller can find it
		return
	}
	e.until = now + min(r.keep, forever)
	heap.Push(&r.kept, e)
	r.forget(now)
}

// awaited records that a caller has the outcomes of a batch.
func (r *registry) awaited(id string, b named, now time.Duration) {
	if id == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byID[id]; e != nil && e.batch == b && e.place >= 0 && !e.awaited {
		e.awaited, e.until = true, min(e.until, now+grace)
		heap.Fix(&r.kept, e.place)
	}
	r.forget(now)
}

// forget drops batches that were kept long enough. If there are too many, it also drops those next to expire.
func (r *registry) forget(now time.Duration) {
	for len(r.kept) > 0 && (r.kept[0].until <= now || len(r.kept) > r.most) {
		e := heap.Pop(&r.kept).(*entry) //nolint:forcetypeassert // nothing else is in it
		delete(r.byID, e.id)
		r.forgot(e)
		r.gone[e.id]++
		if old, full := r.order.push(e.id); full {
			if r.gone[old]--; r.gone[old] == 0 {
				delete(r.gone, old)
			}
		}
	}
}

// forgot counts a batch that no caller has awaited.
func (r *registry) forgot(e *entry) {
	if e.awaited {
		return
	}
	if r.unseen++; r.unseen == 1 {
		go r.warn()
	}
}

// find returns the batch of an id.
func (r *registry) find(id string, now time.Duration) (named, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	if e, ok := r.byID[id]; ok {
		return e.batch, nil
	}
	if r.gone[id] > 0 {
		return nil, fmt.Errorf("%w: %s", ErrBatchExpired, id)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownBatch, id)
}

// unfinished returns the unfinished batches.
func (r *registry) unfinished() (live []named, unseen int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.byID {
		if e.place < 0 {
			live = append(live, e.batch)
		}
	}
	return live, r.unseen
}

// FindBatch returns the batch of an id. A finished batch is found for ten seconds after a caller has awaited it, and
// for [Config.KeepBatches] at most. Errors: [ErrUnknownBatch], [ErrBatchExpired], [ErrBatchType].
func FindBatch[T any](o *Orchestrator, id string) (*Batch[T], error) {
	there, err := o.batches.find(id, o.now())
	if err != nil {
		return nil, err
	}
	b, ok := there.(*Batch[T])
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %T", ErrBatchType, id, there)
	}
	return b, nil
}

// AwaitBatch is [FindBatch] and [Batch.Await].
func AwaitBatch[T any](ctx context.Context, o *Orchestrator, id string) ([]Outcome[T], error) {
	b, err := FindBatch[T](o, id)
	if err != nil {
		return nil, err
	}
	return b.Await(ctx)
}

// expiry is a heap of batches by the time at which they are forgotten.
type expiry []*entry

func (h expiry) Len() int           { return len(h) }
func (h expiry) Less(i, j int) bool { return h[i].until < h[j].until }
func (h expiry) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push and Pop are for container/heap.
func (h *expiry) Push(e any) {
	e.(*entry).place = len(*h)  //nolint:forcetypeassert // nothing else is in it
	*h = append(*h, e.(*entry)) //nolint:forcetypeassert // see above
}

func (h *expiry) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
