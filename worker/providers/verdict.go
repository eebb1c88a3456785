package providers

import (
	"context"
	"errors"
	"net/http"

	"github.com/weir-go/weir/orchestrator"
)

// Verdict says whether a call that ended with an error is worth another: where the provider asked for patience, or where
// it, or the way to it, failed. A quota that is spent is not, nor is a refusal. A call that makes something is repeated
// only if the provider has turned it away, for otherwise it may have made it. What the error says of the provider, throttled or
// overloaded, it says of such calls as well.
func Verdict(err error) orchestrator.Verdict {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return orchestrator.Verdict{}
	}
	_, makes := errors.AsType[*makingError](err)
	denied, answered := errors.AsType[*APIError](err)
	if !answered {
		_, unanswered := errors.AsType[*callError](err)
		return orchestrator.Verdict{Again: unanswered && !makes}
	}
	overloaded := denied.overloaded()
	switch {
	case denied.Code == "QUOTA_EXCEEDED":
		return orchestrator.Verdict{}
	case denied.Status == http.StatusTooManyRequests, denied.API == APILastFM && denied.Code == "29":
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Throttled: true}
	case makes:
		return orchestrator.Verdict{Overloaded: overloaded}
	case overloaded, denied.Status >= http.StatusInternalServerError:
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Overloaded: overloaded}
	default:
		return orchestrator.Verdict{}
	}
}

// overloaded reports whether the provider cannot serve anybody: 503, Anthropic's 529, and what Last.fm answers instead.
func (e *APIError) overloaded() bool {
	const statusOverloaded = 529
	switch e.API {
	case APILastFM:
		return e.Status == http.StatusServiceUnavailable || e.Code == "11" || e.Code == "16"
	case APIAnthropic:
		return e.Status == http.StatusServiceUnavailable || e.Status == statusOverloaded
	}
	return e.Status == http.StatusServiceUnavailable
}

// makingError is the error of a call that would have made something.
type makingError struct{ err error }

func (e *makingError) Error() string { return e.err.Error() }
func (e *makingError) Unwrap() error { return e.err }

// Makes marks the error of a call that makes something, for [Verdict].
func Makes[T any](v T, err error) (T, error) {
	if err != nil {
		err = &makingError{err}
	}
	return v, err
}
