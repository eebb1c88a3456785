package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// modelBatch is the expected state of a batch.
type modelBatch struct {
	handle  *orchestrator.Batch[int]
	values  []int // by index: what the task returns, below 0 for an error
	ends    []time.Time
	awaited time.Time // zero if it was not
}

func (m *modelBatch) finished(now time.Time) (time.Time, bool) {
	var last time.Time
	for _, end := range m.ends {
		if end.After(last) {
			last = end
		}
	}
	return last, !last.After(now)
}

// model is the expected state of all batches of one orchestrator.
type model struct {
	live  map[string]*modelBatch
	known map[string]bool // all ids that were ever used
	keep  time.Duration
}

// expire removes the batches whose time is over.
func (m *model) expire(now time.Time) {
	for id, b := range m.live {
		at, ok := b.finished(now)
		if !ok {
			continue
		}
		until := at.Add(m.keep)
		if !b.awaited.IsZero() && b.awaited.Add(10*time.Second).Before(until) {
			until = b.awaited.Add(10 * time.Second)
		}
		if !until.After(now) {
			delete(m.live, id)
		}
	}
}

var errOfTask = errors.New("of the task")

// FuzzBatchContract compares an orchestrator with the model of its batches. Both do the same things: they enqueue under
// one of three ids with any policy, await by id, and let time pass. The number of a task is its duration.
func FuzzBatchContract(f *testing.F) {
	f.Add([]byte{0, 3, 8, 1, 0, 9, 1, 1, 0, 0, 2, 100, 1, 0, 0})
	f.Add([]byte{0, 5, 0, 4, 2, 0, 2, 2, 0, 8, 3, 3, 2, 200, 1, 0, 2, 255, 2, 255, 1, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			script = script[:300]
		}
		synctest.Test(t, func(t *testing.T) { contract(t, script) })
	})
}

func contract(t *testing.T, script []byte) {
	t.Helper()
	l, err := limiter.NewUnlimited(oneBucket(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	const keep = time.Minute
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 10_000, KeepBatches: keep})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{live: map[string]*modelBatch{}, known: map[string]bool{}, keep: keep}
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	for len(script) > 0 {
		switch op := next(); op % 3 {
		case 0:
			m.enqueue(t, o, fmt.Sprint("b", op/3%3), orchestrator.Live(next()%3), next()%5, next)
		case 1:
			m.await(t, o, fmt.Sprint("b", op/3%3))
		case 2:
			time.Sleep(time.Duration(next())*100*time.Millisecond + time.Microsecond) // never in the moment at which something ends
		}
		synctest.Wait()
		m.expire(time.Now())
	}
	for id, b := range m.live {
		if out, err := b.handle.Await(t.Context()); len(out) != len(b.values) {
			t.Errorf("batch %s: %d outcomes of %d, %v", id, len(out), len(b.values), err)
		}
	}
	ctx := context.WithoutCancel(t.Context())
	if err := o.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

func (m *model) enqueue(t *testing.T, o *orchestrator.Orchestrator, id string, live orchestrator.Live, n int, next func() int) {
	t.Helper()
	var values []int
	var ends []time.Time
	var tasks []orchestrator.Task[int]
	now := time.Now()
	for range n {
		v := next() - 100
		took := time.Duration(max(v, -v)) * 100 * time.Millisecond
		values, ends = append(values, v), append(ends, now.Add(took))
		tasks = append(tasks, func(context.Context) (int, error) {
			time.Sleep(took)
			if v < 0 {
				return v, errOfTask
			}
			return v, nil
		})
	}
	there := m.live[id]
	done := false
	if there != nil {
		_, done = there.finished(now)
	}
	got, err := orchestrator.EnqueueBatch(t.Context(), o, id, tasks, orchestrator.OnLive(live))
	switch {
	case there != nil && !done && live == orchestrator.LiveFails:
		if !errors.Is(err, orchestrator.ErrBatchExists) {
			t.Fatalf("enqueue %s while the id is in use: %v", id, err)
		}
	case err != nil:
		t.Fatalf("enqueue %s: %v", id, err)
	case there != nil && !done:
		if got != there.handle {
			t.Fatalf("enqueue %s: another batch than the live one", id)
		}
		if live == orchestrator.LiveAppends {
			there.values, there.ends = append(there.values, values...), append(there.ends, ends...)
		}
	default:
		m.known[id] = true
		m.live[id] = &modelBatch{handle: got, values: values, ends: ends}
		if len(ends) == 0 {
			m.live[id].ends = []time.Time{now}
		}
	}
}

func (m *model) await(t *testing.T, o *orchestrator.Orchestrator, id string) {
	t.Helper()
	m.expire(time.Now())
	if _, err := orchestrator.AwaitBatch[string](t.Context(), o, id); m.live[id] != nil && !errors.Is(err, orchestrator.ErrBatchType) {
		t.Fatalf("await %s as another type: %v", id, err)
	}
	b := m.live[id]
	out, err := orchestrator.AwaitBatch[int](t.Context(), o, id)
	if b == nil {
		want := orchestrator.ErrUnknownBatch
		if m.known[id] {
			want = orchestrator.ErrBatchExpired
		}
		if !errors.Is(err, want) || out != nil {
			t.Fatalf("await %s, which does not exist: %v, %v; want %v", id, out, err, want)
		}
		return
	}
	if at, ok := b.finished(time.Now()); !ok {
		t.Fatalf("await %s returned before %v", id, at)
	}
	if b.awaited.IsZero() {
		b.awaited = time.Now()
	}
	if len(out) != len(b.values) {
		t.Fatalf("await %s: %d outcomes of %d", id, len(out), len(b.values))
	}
	failed := 0
	for i, got := range out {
		if got.Value != b.values[i] || (got.Err != nil) != (b.values[i] < 0) {
			t.Fatalf("await %s: outcome %d is %+v, want %d", id, i, got, b.values[i])
		}
		if got.Err != nil {
			failed++
		}
	}
	if err != nil {
		t.Fatalf("await %s: %v", id, err)
	}
	_, err = b.handle.Values(t.Context())
	e, ok := errors.AsType[*orchestrator.BatchError](err)
	if ok != (failed > 0) || ok && len(e.Errors) != failed {
		t.Fatalf("values of %s: error %v with %d failed", id, err, failed)
	}
}
