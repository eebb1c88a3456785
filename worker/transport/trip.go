package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter"
)

// counter counts from 0.
type counter struct{ n atomic.Int64 }

// next returns how many came before.
func (c *counter) next() int { return int(c.n.Add(1)) - 1 }

// trip is one round trip, and the context of its request.
type trip struct {
	context.Context //nolint:containedctx // it is one

	p       *payer // fixed, like those down to before
	route   string
	origin  *http.Request
	request *http.Request // the request that base gets
	before  int           // earlier requests of the same call
	span    span

	sent counter // requests of this round trip that got a connection
}

type tripKey struct{}

// Value is part of [context.Context].
func (t *trip) Value(key any) any {
	if key == (tripKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// begin makes the round trip of a request that has paid.
func (p *payer) begin(req *http.Request, route string) *trip {
	t := &trip{Context: req.Context(), p: p, route: route, origin: req, before: p.sentBefore(req)}
	t.Context = p.spans.begin(t)
	t.request = req.WithContext(httptrace.WithClientTrace(t, &httptrace.ClientTrace{GotConn: t.gotConn})) //nolint:contextcheck // t is the request's
	return t
}

func (t *trip) end(res *http.Response, err error) {
	t.span.end(max(0, int(t.sent.n.Load())-1), res, err)
}

// gotConn is called before a request is written to a connection: once for a round trip as a rule, and again when
// net/http sends the request again on its own, or when the base repeats requests. Each further request waits for a
// token of its own. The transport cannot stop the base: if the context of the request ends during the wait, only the
// base can end the request.
func (t *trip) gotConn(httptrace.GotConnInfo) {
	if t.sent.next() == 0 {
		return // the first request has paid
	}
	if c := callOf(t.origin.Context()); c != nil {
		c.sent.next()
	}
	ctx := t.origin.Context()
	for ctx.Err() == nil {
		err := t.p.waiter.Wait(ctx, t.route, t.p.options(t.origin)...)
		late, ok := errors.AsType[*limiter.DeadlineError](err)
		if !ok {
			return
		}
		// The token comes after the deadline of the request, or after limiter.Config.MaxWait. The base would send at
		// once.
		again := time.NewTimer(max(late.Ready, time.Millisecond))
		select {
		case <-ctx.Done():
		case <-again.C:
		}
		again.Stop()
	}
}

// sentBefore returns how often the call of a request was sent before, by its context and its redirects.
func (p *payer) sentBefore(req *http.Request) int {
	redirects := 0
	for r := req; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		redirects++
	}
	if p.attempt != nil {
		redirects += max(0, p.attempt(req.Context())-1)
	}
	if c := callOf(req.Context()); c != nil {
		return max(redirects, c.sent.next())
	}
	return redirects
}

// ResendCount returns how often the call of a request was sent before, for a base that makes spans or log lines of its
// own. ctx is the context of the request that the base received. The count is http.request.resend_count: the redirects
// that led to the request, the earlier attempts ([Attempts]), and the earlier requests with the same context of
// [NewContext]. It is 0 for other contexts.
func ResendCount(ctx context.Context) int {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok {
		return t.before + max(0, int(t.sent.n.Load())-1)
	}
	return 0
}
