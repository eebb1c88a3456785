package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-go/weir/limiter"
)

// Waiter is the part of a limiter that a round trip without a reservation needs: Wait returns nil once one call on
// route may start, or an error if ctx ends first or the limiter cannot decide. *limiter.Limiter implements it. If the
// Waiter is also a [Reporter], it gets reports about the answers; if it is a [Checker], Open checks the routes with it.
type Waiter interface {
	Wait(ctx context.Context, route string, opts ...limiter.Option) error
}

// Open returns a RoundTripper that sends through base and pays for each round trip on the route that routes has for its
// request. It pays with the reservation of the request's context if that reservation is of this route, unused and not
// late. Otherwise it waits for a token with w. It reports what the answer contains about the limits of the provider:
// see the package comment. A base of nil is [http.DefaultTransport].
//
// The error names the fault in routes. If w is a [Checker], a fault is also a route that w does not know, or a bucket
// of [Quotas] that no route passes.
//
// The RoundTripper is safe for concurrent use if base and w are. It passes the request and the answer on unchanged,
// with one exception: base gets a context of the transport, which ends with the request's context and has the same
// values.
func Open(base http.RoundTripper, w Waiter, routes Routes, opts ...Option) (http.RoundTripper, error) {
	if w == nil {
		return nil, errors.New("transport: no Waiter: want the limiter that pays")
	}
	p := newPayer(base, w, opts)
	p.routes = routes.router()
	if err := p.routes.check(w, p.quotas); err != nil {
		return nil, err
	}
	return p, nil
}

// New is [Open] for requests of one route, whose name is a constant of the program. It panics if Open returns an error.
func New(base http.RoundTripper, w Waiter, route string, opts ...Option) http.RoundTripper {
	rt, err := Open(base, w, Routes{Other: route}, opts...)
	if err != nil {
		panic(err)
	}
	return rt
}

func newPayer(base http.RoundTripper, w Waiter, opts []Option) *payer {
	if base == nil {
		base = http.DefaultTransport
	}
	p := &payer{base: base, waiter: w}
	p.reporter, _ = w.(Reporter)
	for _, opt := range opts {
		if opt != nil {
			opt(p)
		}
	}
	return p
}

type payer struct { // fixed at construction
	base     http.RoundTripper
	waiter   Waiter
	reporter Reporter // nil if the waiter is no Reporter
	routes   router
	costs    func(*http.Request) limiter.Costs // nil for one token of each bucket
	urgent   func(*http.Request) bool          // nil for none
	quotas   map[string]string                 // nil for the quota of requests alone
	attempt  func(context.Context) int         // nil if attempts are not counted
	spans    *spans                            // nil for none
}

// RoundTrip is part of [http.RoundTripper].
func (p *payer) RoundTrip(req *http.Request) (*http.Response, error) {
	route, err := p.routes.of(req)
	var paid *limiter.Reservation
	if err == nil {
		paid, err = p.pay(req, route)
	}
	if err != nil {
		// A RoundTripper owns the body even when it sends nothing.
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	t := p.begin(req, route)
	res, err := p.base.RoundTrip(t.request)
	t.end(res, err)
	if err == nil {
		if res.Request == t.request {
			res.Request = req
		}
		p.report(req.Context(), route, paid, res)
	}
	return res, err
}

// pay returns once the request may be sent. It returns the reservation that has paid, nil if the Waiter gave a token.
func (p *payer) pay(req *http.Request, route string) (*limiter.Reservation, error) {
	ctx := req.Context()
	// Use is true only once, so of two round trips that race for one reservation the loser waits.
	if r, ok := limiter.FromContext(ctx); ok && r.Use(route) {
		return r, nil
	}
	err := p.waiter.Wait(ctx, route, p.options(req)...)
	if err == nil {
		return nil, nil
	}
	// The cause is why the context ended; the limiter's error only reports that it ended. Callers may test for either.
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return nil, fmt.Errorf("transport: wait for a token of route %q: %w (%w)", route, cause, err)
	}
	return nil, fmt.Errorf("transport: wait for a token of route %q: %w", route, err)
}

// CloseIdleConnections closes the idle connections of base, for [http.Client.CloseIdleConnections].
func (p *payer) CloseIdleConnections() {
	if c, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
