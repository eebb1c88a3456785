package limiter

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Close ends the limiter. Waiting calls get [ErrClosed], and so do all verbs from then on, except [Limiter.Snapshot],
// which only reads. Unheld reservations go back to the fleet, and the fleet stops counting this replica. Close waits
// until the calls in flight have ended. If ctx ends first it returns an error. A second Close waits again.
func (l *Limiter) Close(ctx context.Context) error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	lanes := make([]*lane.Lane, 0, len(l.lanes))
	for _, n := range l.lanes {
		lanes = append(lanes, n)
	}
	l.mu.Unlock()
	for _, n := range lanes {
		n.Close(ErrClosed)
	}
	landed := make(chan error, 1)
	go func() {
		var err error
		l.end()
		if l.outage != nil {
			l.outage.alarm.Stop()
		}
		_ = l.observing.Unregister()
		if first && l.store.shared() {
			err = l.leave(ctx)
		}
		l.shared.Running.Wait()
		l.flights.Wait()
		landed <- err
	}()
	select {
	case err := <-landed:
		if err != nil {
			l.s.Logger.WarnContext(ctx, "redis does not know that this replica has ended: it counts as live for half a minute more",
				"namespace", l.s.Namespace, "error", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("limiter: close: %w", context.Cause(ctx))
	}
}
