package transport

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/evidence"
)

// Reporter is a [Waiter] that also takes reports about the provider of a route. *limiter.Limiter implements it. Report
// is called in the round trip and must return at once, except with a hold of more than [limiter.PromptHold]. It must be
// safe for concurrent use. Its error is ignored.
type Reporter interface {
	Report(ctx context.Context, route string, r limiter.Report) error
}

// Quotas sets which quotas of an answer are reported, and for which bucket of the route. A key is the name of the quota
// in the provider's headers, such as "requests", "input-tokens" or "" for the quota without a name, as in
// [evidence.Quota]. A value is a bucket; "" is the narrowest configured bucket of the route. Other quotas are not
// reported.
//
// Without this option two kinds of quotas are reported, for the narrowest configured bucket: quotas that are named
// "requests" or have no name, and the only quota of an answer, whatever its name, unless it counts something else than
// requests.
func Quotas(buckets map[string]string) Option { return func(p *payer) { p.quotas = buckets } }

// How long an answer waits for a report, and how long a report may take. The limiter sends a hold of up to
// [limiter.PromptHold] without waiting.
const (
	longestWait   = time.Second
	longestReport = 10 * time.Second
)

// report reports what an answer contains about limits: by the reservation that paid, else by route.
func (p *payer) report(ctx context.Context, route string, paid *limiter.Reservation, res *http.Response) {
	send := func(ctx context.Context, r limiter.Report) {
		if paid != nil {
			_ = paid.Report(ctx, r)
		} else if p.reporter != nil {
			_ = p.reporter.Report(ctx, route, r)
		}
	}
	said := evidence.Read(res.StatusCode, res.Header, time.Now())
	for _, q := range said.Quotas {
		if bucket, ok := p.bucketOf(q, len(said.Quotas)); ok && q.Limit >= 1 && q.Remaining >= 0 {
			send(ctx, limiter.Remaining{Bucket: bucket, Limit: q.Limit, Left: q.Remaining, Per: q.Window})
		}
	}
	var refusal limiter.Report
	switch {
	case said.Throttled:
		refusal = limiter.Throttled{RetryAfter: said.RetryAfter}
	case said.Overloaded:
		refusal = limiter.Overloaded{RetryAfter: said.RetryAfter}
	default:
		return
	}
	if said.RetryAfter > limiter.PromptHold {
		bounded(ctx, func(ctx context.Context) { send(ctx, refusal) })
	} else {
		send(ctx, refusal)
	}
}

// bucketOf returns the bucket for which a quota is reported. quotas is the number of quotas of the answer.
func (p *payer) bucketOf(q evidence.Quota, quotas int) (bucket string, ok bool) {
	if p.quotas != nil {
		bucket, ok = p.quotas[q.Name]
		return bucket, ok
	}
	const requests = "requests"
	alone := quotas == 1 && (q.Unit == "" || q.Unit == requests) && !strings.HasSuffix(q.Name, "tokens")
	return "", q.Name == "" || q.Name == requests || alone
}

// bounded calls a function that makes a request to Redis, and waits for it for a second at most. The function continues
// without the caller, even if the caller's request ends, because its report concerns the whole fleet.
func bounded(ctx context.Context, f func(context.Context)) {
	wait, cancel := context.WithTimeout(ctx, longestWait)
	go func() {
		defer cancel()
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), longestReport)
		defer stop()
		f(ctx)
	}()
	<-wait.Done()
}
