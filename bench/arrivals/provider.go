package main

import (
	"context"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// bin is the length of the intervals for which calls are counted.
const bin = 100 * time.Millisecond

// provider is an HTTP server that refuses the calls above a budget, and counts the arrivals.
type provider struct {
	url    string
	server *http.Server
	answer time.Duration // time until an accepted call is answered

	mu                sync.Mutex
	begun             time.Time
	judge             *upstream.Judge
	accepted, refused []int     // arrivals in each bin since begun
	last              time.Time // time of the last accepted arrival
}

func startProvider(ctx context.Context, b budget) (*provider, error) {
	judge, err := upstream.NewJudge(upstream.Config{Total: upstream.Limit{Rate: float64(b.Rate), Burst: int64(b.Burst)}, Slack: time.Duration(b.SlackMS) * time.Millisecond})
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{url: "http://" + l.Addr().String(), answer: time.Duration(b.AnswerMS) * time.Millisecond, judge: judge, begun: time.Now()}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(l) }() // until close
	return p, nil
}

// begin starts the first bin now. No call may have arrived before.
func (p *provider) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = time.Now()
}

func (p *provider) close() { _ = p.server.Close() }

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	v := p.arrive()
	if !v.OK {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(v.RetryAfter.Seconds()))))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	_ = pause(r.Context(), p.answer) // an error means that the caller has gone
}

// arrive takes the time of a call, judges it and counts it.
func (p *provider) arrive() upstream.Verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	v := p.judge.Arrive(upstream.Spotify, now.Sub(p.begun), upstream.Call{})
	for i := int(now.Sub(p.begun) / bin); len(p.accepted) <= i; {
		p.accepted, p.refused = append(p.accepted, 0), append(p.refused, 0)
	}
	if i := len(p.accepted) - 1; v.OK {
		p.accepted[i]++
		p.last = now
	} else {
		p.refused[i]++
	}
	return v
}

// pause sleeps for d and returns nil. If ctx ends first, it returns the cause.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
