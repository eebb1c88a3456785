package main

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// sceneProvider is a simulated provider without HTTP: a judge, and a record of each call.
type sceneProvider struct {
	began time.Time
	least time.Duration // a call takes from least to twice as long

	mu    sync.Mutex
	judge *upstream.Judge
	calls []sceneCall
}

// sceneCall is the record of one call.
type sceneCall struct {
	at     time.Duration // since the provider began
	ok     bool
	after  time.Duration // the retry-after of a refused call, 0 for none
	output int64         // tokens
}

func newSceneProvider(cfg upstream.Config, least time.Duration) (*sceneProvider, error) {
	judge, err := upstream.NewJudge(cfg)
	return &sceneProvider{began: time.Now(), judge: judge, least: least}, err
}

// call makes one call and waits for its end. It returns a [refusedError], or the error of ctx if ctx ended first.
func (p *sceneProvider) call(ctx context.Context, c upstream.Call) error {
	v := p.arrive(c)
	if !v.ok {
		return &refusedError{v.after}
	}
	timer := time.NewTimer(p.least + rand.N(p.least)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge.End(upstream.Anthropic, time.Since(p.began), c, upstream.Usage{Input: c.Input, Output: c.Output})
	return ctx.Err()
}

// arrive judges and records a call. Like most providers, this one sends a retry-after only while it refuses all calls, and not for calls above the
// rate.
func (p *sceneProvider) arrive(c upstream.Call) sceneCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := sceneCall{at: time.Since(p.began), output: c.Output}
	v := p.judge.Arrive(upstream.Anthropic, is.at, c)
	if is.ok = v.OK; v.By == "stretch" {
		is.after = (v.RetryAfter + time.Second - 1).Truncate(time.Second) // Retry-After counts seconds
	}
	p.calls = append(p.calls, is)
	return is
}

// between returns the calls that arrived at from or later and before to.
func (p *sceneProvider) between(from, to time.Duration) (calls []sceneCall) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if c.at >= from && c.at < to {
			calls = append(calls, c)
		}
	}
	return calls
}

// accepted returns how many of these calls the provider accepted.
func accepted(calls []sceneCall) (n int) {
	for _, c := range calls {
		if c.ok {
			n++
		}
	}
	return n
}

// made returns how many calls arrived so far, and how many of them were refused.
func (p *sceneProvider) made() (calls, refused int) {
	if p == nil {
		return 0, 0
	}
	all := p.between(0, math.MaxInt64)
	return len(all), len(all) - accepted(all)
}

// per100ms counts the calls of each tenth of a second.
func (p *sceneProvider) per100ms(length time.Duration) []int64 {
	bins := make([]int64, int((length+100*time.Millisecond-1)/(100*time.Millisecond)))
	for _, c := range p.between(0, length) {
		bins[c.at/(100*time.Millisecond)]++
	}
	return bins
}
