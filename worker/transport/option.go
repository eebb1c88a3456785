package transport

import (
	"context"
	"net/http"

	"github.com/weir-go/weir/limiter"
)

// Option sets what a transport takes for a request, what it reports of an answer, and what it records.
type Option func(*payer)

// Costs sets what requests without a reservation pay: the costs that a function returns, instead of one token of each
// bucket. Nil costs are one token of each bucket. The function must not touch the body of the request and must be safe
// for concurrent use. A request that spends a reservation pays what was reserved.
func Costs(of func(*http.Request) limiter.Costs) Option { return func(p *payer) { p.costs = of } }

// Urgent makes requests without a reservation urgent if a function returns true: see [limiter.Urgent]. The function
// must be safe for concurrent use.
func Urgent(of func(*http.Request) bool) Option { return func(p *payer) { p.urgent = of } }

// Attempts sets the function that returns which attempt of a call a context belongs to, 1 for the first and 0 if
// unknown, such as orchestrator.Attempt. [ResendCount] counts the earlier attempts.
func Attempts(of func(context.Context) int) Option { return func(p *payer) { p.attempt = of } }

type callKey struct{}

// call is what a context of [NewContext] carries.
type call struct {
	opts []limiter.Option
	sent counter
}

// NewContext returns a context for one call, which may take several requests: its retries and redirects. A request with
// this context and without a reservation pays by these options, such as [limiter.Urgent] or [limiter.Costs]. They
// override those of [Costs] and [Urgent]. All requests with this context count as one call that is sent again: see
// [ResendCount].
func NewContext(ctx context.Context, opts ...limiter.Option) context.Context {
	return context.WithValue(ctx, callKey{}, &call{opts: opts})
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// options returns the options with which a request without a reservation pays. Of two costs the later counts.
func (p *payer) options(req *http.Request) (opts []limiter.Option) {
	if p.urgent != nil && p.urgent(req) {
		opts = append(opts, limiter.Urgent())
	}
	if p.costs != nil {
		if costs := p.costs(req); costs != nil {
			opts = append(opts, costs)
		}
	}
	if c := callOf(req.Context()); c != nil {
		opts = append(opts, c.opts...)
	}
	return opts
}
