package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-go/weir/limiter"
)

// Waiter is the part of a limiter that a round trip without a reservation needs: Wait returns nil once one call on
// route may start, or an error when ctx ends first or the limiter cannot say. *limiter.Limiter is one.
type Waiter interface {
	Wait(ctx context.Context, route string, opts ...limiter.Option) error
}

// New returns a RoundTripper that sends through base and pays one token of route for each round trip: with the
// reservation of the request's context if that is of this route, unused and not late, else by waiting for a token
// with w. A base of nil is [http.DefaultTransport].
//
// It is safe for concurrent use if base and w are. It passes the request on as it is, and the answer too.
func New(base http.RoundTripper, w Waiter, route string) http.RoundTripper {
	if w == nil {
		panic("transport: New needs a Waiter")
	}
	if base == nil {
		base = http.DefaultTransport
	}
	return &payer{base: base, waiter: w, route: route}
}

type payer struct {
	base   http.RoundTripper
	waiter Waiter
	route  string
}

func (p *payer) RoundTrip(req *http.Request) (*http.Response, error) {
	if !p.spend(req.Context()) {
		if err := p.wait(req.Context()); err != nil {
			// A RoundTripper owns the body even when it sends nothing.
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
	}
	return p.base.RoundTrip(req)
}

// spend reports whether the reservation in ctx has just paid for this request. Use says yes only once, so of two
// round trips that race for one reservation the loser waits.
func (p *payer) spend(ctx context.Context) bool {
	r, ok := limiter.FromContext(ctx)
	return ok && r.Use(p.route)
}

func (p *payer) wait(ctx context.Context) error {
	err := p.waiter.Wait(ctx, p.route)
	if err == nil {
		return nil
	}
	// The cause says why somebody gave up, the limiter's error only that they did. Callers may test for either.
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("transport: wait for a token of route %q: %w (%w)", p.route, cause, err)
	}
	return fmt.Errorf("transport: wait for a token of route %q: %w", p.route, err)
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] reach the transport that holds the connections.
func (p *payer) CloseIdleConnections() {
	if c, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
