package analysis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// StepError says in which step an analysis failed.
type StepError struct {
	Step string // "first question", "final question", "create playlist", …
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("analysis: %s: %v", e.Step, e.Err) }
func (e *StepError) Unwrap() error { return e.Err }

// run is one analysis.
type run struct {
	o       *orchestrator.Orchestrator // fixed, like those down to settle
	clients *providers.Clients
	list    playlist.Playlist
	id      string // in the ids of its batches
	events  chan event
	result  *Result // written by the goroutine of the flow only

	calls     map[string]*atomic.Int64 // by API; the map is fixed
	narrators sync.WaitGroup
}

// grace is how long the tasks of a cancelled analysis are waited for.
const grace = 5 * time.Second

// settling returns a context for waiting for tasks of ctx. It ends grace after ctx does: long enough for every cancelled
// task to end and be counted, short enough that one which ignores its context holds up nobody.
func settling(ctx context.Context) (settle context.Context, done func()) {
	settle, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			end(context.Cause(ctx))
		case <-settle.Done():
		}
	})
	return settle, func() {
		stop()
		end(nil)
	}
}

// step is a kind of task: the phase it counts for, the API it calls, which is its route, and its name in traces.
type step struct{ phase, api, name string }

// counted wraps the one request of a task.
func counted[T any](r *run, s step, call orchestrator.Task[T]) orchestrator.Task[T] {
	return func(ctx context.Context) (T, error) {
		r.calls[s.api].Add(1)
		return call(ctx)
	}
}

// submit gives the orchestrator a single task.
func submit[T any](ctx context.Context, r *run, s step, call orchestrator.Task[T]) (*orchestrator.Future[T], error) {
	f, err := orchestrator.Submit(ctx, r.o, counted(r, s, call), orchestrator.Route(s.api), orchestrator.Name(s.name))
	if err == nil {
		r.events <- event{phase: s.phase, asked: 1}
	}
	return f, err
}

// await waits for a single task and reports its end. say, if not nil, puts its result into words.
func await[T any](ctx context.Context, r *run, s step, f *orchestrator.Future[T], say func(T) string) (T, error) {
	settle, done := settling(ctx)
	defer done()
	value, err := f.Await(settle)
	if settle.Err() != nil {
		return value, err // it has not ended, and nobody waits any longer
	}
	news := event{phase: s.phase, ended: true, failed: err != nil}
	if say != nil {
		news.text = say(value)
	}
	r.events <- news
	return value, err
}

// one runs a single task and waits for it.
func one[T any](ctx context.Context, r *run, s step, call orchestrator.Task[T]) (T, error) {
	f, err := submit(ctx, r, s, call)
	if err != nil {
		var zero T
		return zero, err
	}
	return await(ctx, r, s, f, nil)
}

// many runs a batch and waits for it. each, if not nil, is called in this goroutine with every outcome as it comes; an
// error that it returns cancels what is left of the batch. The error of many is why the batch could not be run; those
// of its tasks are in their outcomes.
func many[T any](ctx context.Context, r *run, s step, calls []orchestrator.Task[T], each func(error) error) ([]orchestrator.Outcome[T], error) {
	tasks := make([]orchestrator.Task[T], len(calls))
	for i, call := range calls {
		tasks[i] = counted(r, s, call)
	}
	settle, done := settling(ctx)
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	id := r.id + "/" + s.phase
	b, err := orchestrator.EnqueueBatch(ctx, r.o, id, tasks, orchestrator.Route(s.api), orchestrator.Name(s.name))
	if err != nil {
		return nil, err
	}
	r.events <- event{phase: s.phase, asked: b.Total()}
	for _, out := range b.Completed(settle) {
		r.events <- event{phase: s.phase, ended: true, failed: out.Err != nil}
		if each == nil {
			continue
		}
		if stop := each(out.Err); stop != nil {
			cancel(stop)
		}
	}
	// By name, so that the orchestrator forgets the batch.
	out, err := orchestrator.AwaitBatch[T](settle, r.o, id)
	if out == nil {
		return nil, err
	}
	return out, nil
}
