package contestant

import (
	"context"
	"time"
)

// pause is how long a waiter sleeps that was not told for how long.
const pause = 5 * time.Millisecond

// asks is a limiter that answers whether, and not when.
type asks interface {
	// ask reports whether a call may start now, and if not how long to wait before asking again; 0 for unknown.
	ask(ctx context.Context) (ok bool, after time.Duration, err error)
}

// polled gives a limiter that only answers whether a call may start the wait that its users have to write.
type polled struct{ asks }

func (p polled) Allow(ctx context.Context) (bool, error) {
	ok, _, err := p.ask(ctx)
	return ok, err
}

func (p polled) Wait(ctx context.Context) error {
	for {
		ok, after, err := p.ask(ctx)
		if ok {
			return nil
		}
		if err != nil || after <= 0 {
			after = pause
		}
		if err := sleep(ctx, after); err != nil {
			return err
		}
	}
}

// sleep returns nil after d, or the cause of ctx' end.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
