package transport

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/evidence"
)

// Reporter is a [Waiter] that hears what the answers of a route's provider say. *limiter.Limiter is one. Report is called in the
// round trip and must return at once, except with a hold of more than [limiter.PromptHold]; it must be safe for concurrent use. Its error is not looked at.
type Reporter interface {
	Report(ctx context.Context, route string, r limiter.Report) error
}

// Quotas says which quotas of an answer are reported, and for which bucket of the route: bucket by the name that the provider's headers have
// for the quota, such as "requests", "input-tokens" or "" for the one without a name, as in [evidence.Quota]. The bucket "" is the
// narrowest configured bucket of the route. Other quotas are not reported.
//
// Without this option the quotas that are named "requests" or have no name are reported for the narrowest configured bucket, and so is a quota
// that is the only one of its answer, whatever its name is, unless it counts something else than requests.
func Quotas(buckets map[string]string) Option { return func(p *payer) { p.quotas = buckets } }

// What a report costs the answer, and what it may take itself. A hold of up to [limiter.PromptHold] is sent by the limiter without waiting.
const (
	longestWait   = time.Second
	longestReport = 10 * time.Second
)

// report reports what an answer says: by the reservation that paid, else by route.
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

// bucketOf is the bucket for which a quota is reported, of an answer that has so many quotas.
func (p *payer) bucketOf(q evidence.Quota, quotas int) (bucket string, ok bool) {
	if p.quotas != nil {
		bucket, ok = p.quotas[q.Name]
		return bucket, ok
	}
	const requests = "requests"
	alone := quotas == 1 && (q.Unit == "" || q.Unit == requests) && !strings.HasSuffix(q.Name, "tokens")
	return "", q.Name == "" || q.Name == requests || alone
}

// bounded calls a function that talks to Redis, and waits for it for a second at most. The function goes on without the caller, also when
// the request ends: what it says concerns the whole fleet.
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
