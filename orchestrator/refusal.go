package orchestrator

import (
	"time"

	"github.com/weir-go/weir/limiter"
)

// refusal is what a provider asked of a task when it refused a call, where the fleet has been told.
type refusal struct {
	until time.Duration // not before that, since the orchestrator began
	asked time.Duration // how long that was
	err   error         // that the attempt ended with
}

const (
	// mostEarly is how much earlier than the provider asked an attempt may start, a tenth of the wait at most: the fleet counts from an
	// answer that a transport may have reported before the task returned.
	mostEarly = 100 * time.Millisecond
)

// reportOf is what the fleet is told of a verdict, nil for nothing.
func reportOf(v Verdict) limiter.Report {
	switch {
	case v.Throttled:
		return limiter.Throttled{RetryAfter: max(0, v.After)}
	case v.Overloaded:
		return limiter.Overloaded{}
	}
	return nil
}

// tell reports to the fleet what a verdict says of the provider, by the reservation of the attempt. It does not wait for Redis. It is
// true if the fleet has been asked to wait for as long as the provider asks.
func (o *Orchestrator) tell(r *run, v Verdict) bool {
	report := reportOf(v)
	if report == nil {
		return false
	}
	o.observe.reported(r, v)
	if !v.Throttled || v.After <= limiter.PromptHold {
		return r.reservation.Report(o.life, report) == nil && v.Throttled && v.After > 0
	}
	// The limiter bounds how long that takes. Each is of a call that was refused, and no call starts while Redis does not answer: there are
	// few at a time.
	o.acting.Add(1) // Close waits for it
	go func() {
		defer o.acted()
		if err := r.reservation.Report(o.life, report); err != nil {
			o.observe.reportFailed(r, err)
		}
	}()
	return true
}

// early is how long an attempt has to wait that the provider asked not to start yet, 0 if it may start. Attempts come too early where the
// fleet does not wait: in shadow mode, without limits, or because the report has not reached Redis.
func (r *run) early(now time.Duration) time.Duration {
	if r.refused == nil {
		return 0
	}
	if left := r.refused.until - now; left > min(mostEarly, r.refused.asked/10) {
		return left
	}
	return 0
}
