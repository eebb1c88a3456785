package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
	"github.com/weir-go/weir/integration/faults/process"
)

// waiter is a limiter with a wait: a task waits there for its token.
type waiter interface {
	// wait returns nil when a call may start. If it gives up because of the deadline of ctx, the error is context.DeadlineExceeded.
	wait(ctx context.Context) error
	setRate(tokens int64)
	asked() int64 // requests to Redis
}

// peer runs the tasks of a replica. Each task first waits for its token.
type peer struct {
	waiter
	ending context.Context // Drain ends it, which ends all waits
	end    context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

func newPeer(w waiter) *peer {
	p := &peer{waiter: w}
	p.ending, p.end = context.WithCancel(context.Background())
	return p
}

func (p *peer) Execute(ctx context.Context, task func(context.Context) error) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ending, cancel)()
	if err := p.wait(waiting); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.Canceled) {
			return process.ErrHandedBack
		}
		return err
	}
	if !p.enter() {
		return process.ErrHandedBack
	}
	defer p.running.Done()
	return task(ctx)
}

// enter reports whether a task may still start. If so, the caller calls running.Done after the task.
func (p *peer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Add(1)
	}
	return !p.closed
}

func (p *peer) SetRate(_ context.Context, tokens int64) error {
	p.setRate(tokens)
	return nil
}

// Hold always returns an error, because none of these limiters has holds. The rows with a hold are left out.
func (p *peer) Hold(context.Context, time.Duration) error {
	return errors.New("this limiter has no hold")
}

func (p *peer) Measure(r *outcome.Report) { r.ScriptCalls = p.asked() }

func (p *peer) Drain(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	done := make(chan struct{})
	go func() {
		p.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *peer) Close(context.Context) error { return nil }
