package contestant

import (
	"context"
	"time"
)

// pause is how long a waiter sleeps if the limiter does not return a time.
const pause = 5 * time.Millisecond

// asks is a limiter without a wait: it answers whether a call may start, and not when.
type asks interface {
	// ask reports whether a call may start now. If not, after is the time to wait before the next ask, or 0 if it is unknown.
	ask(ctx context.Context) (ok bool, after time.Duration, err error)
}

// polled adds Wait to a limiter without a wait, as its users have to write it.
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

// sleep sleeps for d and returns nil. If ctx ends first, it returns the cause.
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
