package faults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Provider is an HTTP server that answers every call at once and logs the arrival.
type Provider struct {
	URL string

	begun  time.Time
	server *http.Server

	mu   sync.Mutex
	log  Log
	more chan struct{} // closed at the next arrival
}

// StartProvider starts a provider on a free port of this machine.
func StartProvider(ctx context.Context) (*Provider, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	p := &Provider{URL: "http://" + l.Addr().String(), begun: time.Now(), more: make(chan struct{})}
	p.server = &http.Server{Handler: http.HandlerFunc(p.arrive), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(l) }() // until Close
	return p, nil
}

// Close ends the provider and its connections.
func (p *Provider) Close() { _ = p.server.Close() }

// Now returns the time on the clock of the log.
func (p *Provider) Now() time.Duration { return time.Since(p.begun) }

func (p *Provider) arrive(_ http.ResponseWriter, r *http.Request) {
	now, q := p.Now(), r.URL.Query()
	attempt, _ := strconv.Atoi(q.Get("attempt")) // a missing number is 0 in the log, which no attempt has
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, Arrival{At: now, Replica: q.Get("replica"), Task: q.Get("task"), Attempt: attempt})
	close(p.more)
	p.more = make(chan struct{})
}

// Log returns all arrivals until now, in the order of time.
func (p *Provider) Log() Log {
	p.mu.Lock()
	l := slices.Clone(p.log)
	p.mu.Unlock()
	slices.SortStableFunc(l, func(a, b Arrival) int { return int(a.At - b.At) })
	return l
}

// Await waits until n calls of a replica have arrived since a time. With an empty name it counts the calls of all replicas. It returns an error
// if ctx ends first.
func (p *Provider) Await(ctx context.Context, n int, since time.Duration, replica string) error {
	read := 0
	for {
		p.mu.Lock()
		for ; read < len(p.log); read++ {
			if a := p.log[read]; a.At >= since && (replica == "" || a.Replica == replica) {
				n--
			}
		}
		more := p.more
		p.mu.Unlock()
		if n <= 0 {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("provider: %d of the awaited calls did not arrive: %w", n, context.Cause(ctx))
		}
	}
}
