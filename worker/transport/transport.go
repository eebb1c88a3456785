package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-go/weir/limiter"
)

// Waiter is the part of a limiter that a round trip without a reservation needs: Wait returns nil once one call on
// route may start, or an error when ctx ends first or the limiter cannot say. *limiter.Limiter is one. A Waiter that is
// a [Reporter] too hears what the answers say.
type Waiter interface {
	Wait(ctx context.Context, route string, opts ...limiter.Option) error
}

// Option says what a transport takes for a request and reports of an answer.
type Option func(*payer)

// Costs has requests without a reservation pay what a function returns for them, instead of one token of each bucket. Nil costs are one
// token of each. The function must leave the body of the request alone and be safe for concurrent use. A request that spends a
// reservation pays what was reserved.
func Costs(of func(*http.Request) limiter.Costs) Option { return func(p *payer) { p.costs = of } }

// New returns a RoundTripper that sends through base and pays for each round trip on route: with the reservation of the request's context if
// that is of this route, unused and not late, else by waiting for a token with w. It reports what the answer says about the limits of the
// provider: see the package comment. A base of nil is [http.DefaultTransport].
//
// It is safe for concurrent use if base and w are. It passes the request on as it is, and the answer too.
func New(base http.RoundTripper, w Waiter, route string, opts ...Option) http.RoundTripper {
	if w == nil {
		panic("transport: New needs a Waiter")
	}
	if base == nil {
		base = http.DefaultTransport
	}
	p := &payer{base: base, waiter: w, route: route}
	p.reporter, _ = w.(Reporter)
	for _, opt := range opts {
		opt(p)
	}
	return p
}

type payer struct {
	base     http.RoundTripper
	waiter   Waiter
	reporter Reporter // nil where the waiter is none
	route    string
	costs    func(*http.Request) limiter.Costs // nil for one token of each bucket
	quotas   map[string]string                 // nil for the quota of requests alone
}

func (p *payer) RoundTrip(req *http.Request) (*http.Response, error) {
	paid := p.spend(req.Context())
	if paid == nil {
		if err := p.wait(req); err != nil {
			// A RoundTripper owns the body even when it sends nothing.
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
	}
	res, err := p.base.RoundTrip(req)
	if err == nil {
		p.report(req.Context(), paid, res)
	}
	return res, err
}

// spend returns the reservation in ctx if it has just paid for this request. Use says yes only once, so of two round
// trips that race for one reservation the loser waits.
func (p *payer) spend(ctx context.Context) *limiter.Reservation {
	if r, ok := limiter.FromContext(ctx); ok && r.Use(p.route) {
		return r
	}
	return nil
}

func (p *payer) wait(req *http.Request) error {
	ctx := req.Context()
	var opts []limiter.Option
	if p.costs != nil {
		if costs := p.costs(req); costs != nil {
			opts = append(opts, costs)
		}
	}
	err := p.waiter.Wait(ctx, p.route, opts...)
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
