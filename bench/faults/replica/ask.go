package main

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// afterError is how long a waiter sleeps after an error. It then asks again, so that no call starts while Redis is away.
	afterError = 100 * time.Millisecond
	// atLeast is how long a waiter sleeps if the limiter returns no time, or a time that has passed.
	atLeast = 20 * time.Millisecond
)

// asks is a limiter in Redis that answers whether a call may start, and not when.
type asks interface {
	// ask reports whether a call may start now. If not, after is the time to sleep before the next ask.
	ask(ctx context.Context) (ok bool, after time.Duration, err error)
	setRate(tokens int64)
}

// polled adds to a limiter without a wait the loop that its users have to write.
type polled struct {
	asks
	requests atomic.Int64
}

func asking(a asks) *polled { return &polled{asks: a} }

func (p *polled) asked() int64 { return p.requests.Load() }

func (p *polled) wait(ctx context.Context) error {
	for {
		p.requests.Add(1)
		ok, after, err := p.ask(ctx)
		switch {
		case err == nil && ok:
			return nil
		case err != nil:
			after = afterError
		case after <= 0:
			after = atLeast
		}
		timer := time.NewTimer(after)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
