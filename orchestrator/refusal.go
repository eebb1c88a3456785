package orchestrator

import (
	"time"

	"github.com/weir-go/weir/limiter"
)

// refusal is how long a provider asked a task to wait when it refused a call, if the fleet got the report.
type refusal struct {
	until time.Duration // the earliest start, since the orchestrator began
	asked time.Duration // the wait that the provider asked for
	err   error         // that the attempt ended with
}

const (
	// mostEarly is how much earlier than the provider asked an attempt may start, a tenth of the wait at most: the
	// fleet counts the wait from the answer, which a transport may have reported before the task returned.
	mostEarly = 100 * time.Millisecond
)

// reportOf returns the report of a verdict to the fleet, nil for none.
func reportOf(v Verdict) limiter.Report {
	switch {
	case v.Throttled:
		return limiter.Throttled{RetryAfter: max(0, v.After)}
	case v.Overloaded:
		return limiter.Overloaded{}
	}
	return nil
}

// reportVerdict reports a verdict about the provider to the fleet, by the reservation of the attempt. It does not wait
// for Redis. It returns true if the report asks the fleet to wait for as long as the provider asks.
func (o *Orchestrator) reportVerdict(r *run, v Verdict) bool {
	report := reportOf(v)
	if report == nil {
		return false
	}
	o.observe.reported(r, v)
	if !v.Throttled || v.After <= limiter.PromptHold {
		return r.reservation.Report(o.life, report) == nil && v.Throttled && v.After > 0
	}
	// The limiter bounds how long the report takes. Each goroutine reports one refused call, and no call starts while
	// Redis does not answer, so there are few at a time.
	o.acting.Add(1) // Close waits for it
	go func() {
		defer o.acted()
		if err := r.reservation.Report(o.life, report); err != nil {
			o.observe.reportFailed(r, err)
		}
	}()
	return true
}

// early returns how long an attempt still has to wait because the provider asked for it, 0 if the attempt may start. An
// attempt is too early if the fleet does not wait: in shadow mode, without limits, or because the report has not
// reached Redis.
func (r *run) early(now time.Duration) time.Duration {
	if r.refused == nil {
		return 0
	}
	if left := r.refused.until - now; left > min(mostEarly, r.refused.asked/10) {
		return left
	}
	return 0
}
