package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// Batch runs calls concurrently as a batch, waits for all of them, and returns their results in the order of the calls,
// with the zero value for each call that failed. The route of the calls is an option, [orchestrator.Route]. While a
// batch runs, another batch of its id is refused; an id of "" is none.
//
// Batch logs to log, unless it is nil, how the batch ended. At level debug it logs the id, calls, failures, how long
// the batch took, and how many tasks wait in the process then. If calls failed it logs the first error too, at level
// warning, unless ctx has ended. The error is an [*orchestrator.BatchError] that contains all failures, an error of
// [orchestrator.EnqueueBatch], or the cause of ctx's end.
func Batch[T any](ctx context.Context, o *orchestrator.Orchestrator, log *slog.Logger, id string, calls []orchestrator.Task[T], opts ...orchestrator.Option) ([]T, error) {
	began := time.Now()
	b, err := orchestrator.EnqueueBatch(ctx, o, id, calls, opts...)
	var values []T
	failed := 0
	if err == nil {
		values, err = b.Values(ctx)
		failed = b.Failed()
	}
	ended(ctx, log, "batch", first(err), slog.String("batch", id), slog.Int("calls", len(calls)), slog.Int("failed", failed),
		slog.Duration("took", rounded(time.Since(began))), slog.Int("pending", o.Pending()))
	return values, err
}

// first returns the first failure of a batch: all failures of a large batch would fill the log.
func first(err error) error {
	if all, ok := errors.AsType[*orchestrator.BatchError](err); ok && len(all.Errors) > 0 {
		return all.Errors[0]
	}
	return err
}
