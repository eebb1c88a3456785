package orchestrator

import (
	"fmt"
	"slices"
)

// registry keeps batches by id, so that they can be awaited by name. It is guarded by the orchestrator's mu.
type registry struct {
	byID     map[string]any // *Batch[T]
	finished []string       // ids that nobody has awaited yet, oldest first
}

// maxFinished bounds the finished batches that are kept for somebody to await.
const maxFinished = 1000

func (o *Orchestrator) addBatch(id string, b any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrClosed
	}
	if _, ok := o.batches.byID[id]; ok {
		return fmt.Errorf("%w: %s", ErrBatchExists, id)
	}
	if o.batches.byID == nil {
		o.batches.byID = map[string]any{}
	}
	o.batches.byID[id] = b
	return nil
}

func (o *Orchestrator) batch(id string) (any, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, ok := o.batches.byID[id]
	return b, ok
}

func (o *Orchestrator) finishBatch(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &o.batches
	r.finished = append(r.finished, id)
	if len(r.finished) > maxFinished {
		delete(r.byID, r.finished[0])
		r.finished = r.finished[1:]
	}
}

// forgetBatch drops an id if it still names this very batch.
func (o *Orchestrator) forgetBatch(id string, b any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &o.batches
	if r.byID[id] != b {
		return
	}
	delete(r.byID, id)
	if i := slices.Index(r.finished, id); i >= 0 {
		r.finished = slices.Delete(r.finished, i, i+1)
	}
}
