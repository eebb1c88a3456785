package providers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// Verdict decides whether a call that ended with an error is tried again. It is if the provider asked to wait, or if
// the provider or the network failed. It is not after a spent quota, after a refusal, or if the call may have made an
// object that [Once] cannot look for.
func Verdict(err error) orchestrator.Verdict {
	if patient, ok := errors.AsType[*patientError](err); ok {
		v := Verdict(patient.err)
		if v.Again {
			v.Patience = patient.pause
		}
		return v
	}
	if making, ok := errors.AsType[*makingError](err); ok {
		return verdictOfMaking(Verdict(making.err))
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return orchestrator.Verdict{}
	}
	if late, ok := errors.AsType[*putOffError](err); ok {
		return orchestrator.Verdict{Again: true, After: late.by, Throttled: true}
	}
	denied, answered := errors.AsType[*APIError](err)
	if !answered {
		_, unanswered := errors.AsType[*callError](err)
		return orchestrator.Verdict{Again: unanswered || errors.Is(err, errNotMade)}
	}
	overloaded := denied.overloaded()
	switch {
	case denied.Spent:
		return orchestrator.Verdict{}
	case denied.Renewed:
		return orchestrator.Verdict{Again: true, Patience: time.Millisecond} // the provider did not fail: the next attempt has another token
	case denied.Throttled():
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Throttled: true}
	case overloaded, denied.failed():
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Overloaded: overloaded}
	default:
		return orchestrator.Verdict{}
	}
}

// Throttled reports whether the provider has refused the call because of a quota: with status 429, or with Last.fm's
// error 29.
func (e *APIError) Throttled() bool {
	return e.status() == http.StatusTooManyRequests || e.API == APILastFM && e.Code == "29"
}

// failed reports whether the provider could not serve the call. Last.fm reports that with the errors 8, 11 and 16,
// whatever the status is.
func (e *APIError) failed() bool {
	return e.status() >= http.StatusInternalServerError || e.API == APILastFM && (e.Code == "8" || e.Code == "11" || e.Code == "16")
}

// overloaded reports whether the provider cannot serve any caller: 503, Anthropic's 529, and the errors that Last.fm
// answers instead.
func (e *APIError) overloaded() bool {
	return e.status() == http.StatusServiceUnavailable || e.API == APIAnthropic && e.status() == statusOverloaded ||
		e.API == APILastFM && (e.Code == "11" || e.Code == "16")
}
