package analysis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// StepError reports the step in which an analysis failed.
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
	id      string // the share of its tasks: concurrent analyses take turns
	events  chan event
	result  *Result         // only the goroutine of the flow writes it
	settle  context.Context //nolint:containedctx // of the call of Analyze, which outlives the run

	giveUp    context.CancelCauseFunc  // ends the analysis
	calls     map[string]*atomic.Int64 // by API; the map is fixed
	narrators sync.WaitGroup
	comments  context.Context //nolint:containedctx // of all comments, which end before the call of Analyze
	refused   func(error)     // notes the error of a comment
	hush      context.CancelCauseFunc
}

// step is a kind of task: the phase it counts for, the API it calls, which is its route, its name in traces, and what
// it costs in addition to a token of each bucket.
type step struct {
	phase, api, name string
	costs            limiter.Costs
}

func (r *run) options(s step) []orchestrator.Option {
	opts := []orchestrator.Option{orchestrator.Route(s.api), orchestrator.Name(s.name), orchestrator.Share(r.id), orchestrator.Costs(s.costs)}
	switch s.phase {
	case PhaseNarrator:
		// Comments get no second attempt, and no token that a question waits for.
		return append(opts, orchestrator.Attempts(1), orchestrator.Priority(orchestrator.Background))
	case PhaseCreate, PhaseFill:
		return append(opts, orchestrator.Attempts(2*providers.PatientAttempts)) // every other attempt looks what the one before has done
	}
	// Enough attempts for half a minute in which the provider fails.
	return append(opts, orchestrator.Attempts(providers.PatientAttempts))
}

// ended handles the end of a task. It gives up the analysis if a provider that the analysis needs will not serve before
// the deadline, or not at all: further calls to other providers would be useless.
func (r *run) ended(ctx context.Context, s step, err error) {
	if err == nil || s.api == providers.APILastFM {
		return
	}
	switch s.phase {
	case PhaseNarrator, PhaseCreate, PhaseFill: // not needed, or no calls follow
		return
	}
	var wait time.Duration
	if late, ok := errors.AsType[*limiter.DeadlineError](err); ok {
		wait = late.Ready
	}
	denied, ok := errors.AsType[*providers.APIError](err)
	if ok && denied.Throttled() {
		wait = denied.RetryAfter
	}
	closed := providers.Closed(err)
	if s.phase == PhaseFeatures && ok && denied.Status == http.StatusForbidden {
		closed = denied.Spent // audio features are closed to most
	}
	deadline, bounded := ctx.Deadline()
	if closed || bounded && time.Until(deadline) < wait {
		r.giveUp(err)
	}
}

// uncount corrects the count of calls after a call that was not sent.
func (r *run) uncount(s step, err error) {
	if errors.Is(err, providers.ErrNotSent) {
		r.calls[s.api].Add(-1)
	}
}

// one runs a single task and reports its end. say, if not nil, returns its result as text.
func one[T any](ctx context.Context, r *run, s step, call orchestrator.Task[T], say func(T) string) (T, error) {
	f, err := orchestrator.Submit(ctx, r.o, func(ctx context.Context) (T, error) {
		r.calls[s.api].Add(1)
		v, err := call(ctx)
		r.uncount(s, err)
		return v, err
	}, r.options(s)...)
	if err != nil {
		var zero T
		return zero, err
	}
	r.events <- event{phase: s.phase, asked: 1}
	value, err := f.Await(r.settle) //nolint:contextcheck // it outlasts ctx: see Analyze
	r.ended(ctx, s, err)
	if r.settle.Err() != nil {
		return value, err // the task may not have ended, but the wait is over
	}
	news := event{phase: s.phase, ended: true, failed: err != nil}
	if say != nil {
		news.text = say(value)
	}
	r.events <- news
	return value, err
}

// many runs a batch, reports the end of each task and returns the batch when all have ended. each is called with every
// end, in this goroutine. The error is why the batch could not be run; the errors of its tasks are in the batch.
func many[In, T any](ctx context.Context, r *run, s step, in []In, call func(context.Context, In) (T, error), each func()) (*orchestrator.Batch[T], error) {
	b, err := orchestrator.Map(ctx, r.o, "", in, func(ctx context.Context, v In) (T, error) {
		if ctx.Err() != nil { // a call that has just ended has ended its kind, and this task had started by then
			var none T
			return none, context.Cause(ctx)
		}
		r.calls[s.api].Add(1)
		out, err := call(ctx, v)
		r.uncount(s, err)
		return out, err
	}, r.options(s)...)
	if err != nil {
		return nil, err
	}
	r.events <- event{phase: s.phase, asked: b.Total()}
	for _, out := range b.Completed(r.settle) { //nolint:contextcheck // it outlasts ctx: see Analyze
		r.ended(ctx, s, out.Err)
		r.events <- event{phase: s.phase, ended: true, failed: out.Err != nil}
		each()
	}
	return b, nil
}
