package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// runner runs the tasks of a replica and counts their outcomes. It has a loop for each task that may run at the same time.
type runner struct {
	Settings
	limiter Limiter
	client  *http.Client
	started time.Time

	loops  sync.WaitGroup
	ended  chan struct{} // closed when the loops should end
	number atomic.Int64  // of the last task

	mu     sync.Mutex
	counts outcome.Report
	since  time.Time       // waits has the tasks that began after it
	waits  []time.Duration // from the beginning of a task to its end
}

func newRunner(s Settings, l Limiter) *runner {
	return &runner{Settings: s, limiter: l, started: time.Now(), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: s.Tasks}}}
}

// begin starts the loops. They end when ctx ends or rest is called.
func (c *runner) begin(ctx context.Context) {
	c.ended = make(chan struct{})
	for range c.Tasks {
		c.loops.Go(func() {
			for c.goOn(ctx) {
				c.one(context.WithoutCancel(ctx))
			}
		})
	}
}

func (c *runner) goOn(ctx context.Context) bool {
	select {
	case <-c.ended:
		return false
	default:
		return ctx.Err() == nil
	}
}

// rest ends the loops, and waits for the running tasks.
func (c *runner) rest() {
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}
	c.loops.Wait()
	c.client.CloseIdleConnections()
}

// one runs one task from its start to its outcome.
func (c *runner) one(ctx context.Context) {
	task, begun := fmt.Sprint(c.Name, "-", c.number.Add(1)), time.Now()
	if c.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Deadline)
		defer cancel()
	}
	c.mu.Lock()
	c.counts.Accepted++
	c.mu.Unlock()
	attempt := 0
	err := c.limiter.Execute(ctx, func(ctx context.Context) error {
		attempt++
		return c.call(context.WithoutCancel(ctx), task, attempt) // a deadline does not cancel a call that has started
	})
	c.count(err, begun)
	if err != nil && c.Deadline > 0 { // a task that is refused at once must not be followed by the next one at once
		timer := time.NewTimer(c.Deadline - time.Since(begun))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ended:
		}
	}
}

// call makes the call of a task to the provider.
func (c *runner) call(ctx context.Context, task string, attempt int) error {
	q := url.Values{"replica": {c.Name}, "task": {task}, "attempt": {fmt.Sprint(attempt)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Provider+"/?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

func (c *runner) count(err error, begun time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := time.Since(begun)
	if begun.After(c.since) {
		c.waits = append(c.waits, took)
	}
	if c.Deadline > 0 {
		c.counts.OverrunMS = max(c.counts.OverrunMS, float64((took-c.Deadline).Microseconds())/1000)
	}
	switch {
	case err == nil:
		c.counts.OK++
	case errors.Is(err, context.DeadlineExceeded):
		c.counts.Deadline++
	case errors.Is(err, ErrHandedBack):
		c.counts.HandedBack++
	case errors.Is(err, ErrRefused):
		c.counts.Refused++
	default:
		c.counts.Failed++
		if c.counts.Error == "" {
			c.counts.Error = err.Error()
		}
	}
}

// forgetWaits removes the measured waits. Only tasks that begin from now on count.
func (c *runner) forgetWaits() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.waits = time.Now(), nil
}

// look stores the number of buckets for which replicas want different limits, or -1 if the limiter does not know it.
func (c *runner) look(ctx context.Context) (err error) {
	n := -1
	if l, ok := c.limiter.(disputer); ok {
		n, err = l.Disputed(ctx)
	}
	c.mu.Lock()
	c.counts.Disputed = n
	c.mu.Unlock()
	return err
}

// report returns all counts until now.
func (c *runner) report() outcome.Report {
	c.mu.Lock()
	r := c.counts
	if r.Waits = int64(len(c.waits)); r.Waits > 0 {
		sorted := slices.Sorted(slices.Values(c.waits))
		r.WaitP99MS = float64(sorted[min(len(sorted)-1, len(sorted)*99/100)].Microseconds()) / 1000
	}
	c.mu.Unlock()
	r.SteppedS = (time.Now().Round(0).Sub(c.started.Round(0)) - time.Since(c.started)).Seconds()
	r.Goroutines = runtime.NumGoroutine()
	c.limiter.Measure(&r)
	return r
}
