package transport

import (
	"context"
	"net/http"

	"github.com/weir-go/weir/limiter"
)

// Option says what a transport takes for a request, what it reports of an answer, and what it records.
type Option func(*payer)

// Costs has requests without a reservation pay what a function returns for them, instead of one token of each bucket. Nil costs are one
// token of each. The function must leave the body of the request alone and be safe for concurrent use. A request that spends a
// reservation pays what was reserved.
func Costs(of func(*http.Request) limiter.Costs) Option { return func(p *payer) { p.costs = of } }

// Urgent has requests without a reservation be urgent where a function says so: see [limiter.Urgent]. The function must be safe for
// concurrent use.
func Urgent(of func(*http.Request) bool) Option { return func(p *payer) { p.urgent = of } }

// Attempts names the function that returns which attempt of a call a context belongs to, 1 for the first and 0 where it does not know, such
// as orchestrator.Attempt. [ResendCount] counts the attempts before.
func Attempts(of func(context.Context) int) Option { return func(p *payer) { p.attempt = of } }

type callKey struct{}

// call is what a context of [NewContext] carries.
type call struct {
	opts []limiter.Option
	sent counter
}

// NewContext returns a context for one call, which may take several requests: its retries and redirects. A request with this context that
// pays for itself pays by these options, such as [limiter.Urgent] or [limiter.Costs], which count before those of [Costs] and [Urgent]. All
// requests with this context count as sendings of one call: see [ResendCount].
func NewContext(ctx context.Context, opts ...limiter.Option) context.Context {
	return context.WithValue(ctx, callKey{}, &call{opts: opts})
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// options are those with which a request pays for itself. Of two costs the later counts.
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
