package providers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// Verdict says whether a call that ended with an error is worth another: where the provider asked for patience, or where
// it, or the way to it, failed. A quota that is spent is not, nor is a refusal. A call that makes something is repeated
// only if the provider has turned it away, for otherwise it may have made it. What the error says of the provider, throttled or
// overloaded, it says of such calls as well.
func Verdict(err error) orchestrator.Verdict {
	if patient, ok := errors.AsType[*patientError](err); ok {
		v := Verdict(patient.err)
		return orchestrator.Verdict{Again: v.Again, After: max(v.After, patient.pause), Throttled: v.Again}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return orchestrator.Verdict{}
	}
	if late, ok := errors.AsType[*putOffError](err); ok {
		return orchestrator.Verdict{Again: true, After: late.by, Throttled: true}
	}
	_, makes := errors.AsType[*makingError](err)
	denied, answered := errors.AsType[*APIError](err)
	if !answered {
		_, unanswered := errors.AsType[*callError](err)
		return orchestrator.Verdict{Again: unanswered && !makes}
	}
	overloaded := denied.overloaded()
	switch {
	case denied.Spent:
		return orchestrator.Verdict{}
	case denied.Throttled():
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Throttled: true}
	case makes:
		return orchestrator.Verdict{Overloaded: overloaded}
	case overloaded, denied.failed():
		return orchestrator.Verdict{Again: true, After: denied.RetryAfter, Overloaded: overloaded}
	default:
		return orchestrator.Verdict{}
	}
}

// Throttled reports whether the provider has refused the call because of a quota: with status 429, or with Last.fm's error 29.
func (e *APIError) Throttled() bool {
	return e.Status == http.StatusTooManyRequests || e.API == APILastFM && e.Code == "29"
}

// failed reports whether the provider could not serve the call. Last.fm says that with the errors 8, 11 and 16, whatever the status is.
func (e *APIError) failed() bool {
	return e.Status >= http.StatusInternalServerError || e.API == APILastFM && (e.Code == "8" || e.Code == "11" || e.Code == "16")
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

// patientError is the error of a call that is worth waiting for.
type patientError struct {
	err   error
	pause time.Duration
}

func (e *patientError) Error() string { return e.err.Error() }
func (e *patientError) Unwrap() error { return e.err }

// PatientAttempts is how often a task of [Patiently] has to be allowed to run so that it outlasts half a minute: the pauses between so many
// attempts are 31.5 s together.
const PatientAttempts = 8

const (
	firstPatience   = 500 * time.Millisecond
	longestPatience = 8 * time.Second
)

// Patiently returns the call of one task on which much depends. Where [Verdict] would have the call repeated, the next attempt comes half a
// second later, then a second, two, four and from then on eight, or what the provider asks for if that is longer. These attempts cost
// none of the retry budget of the route, which other calls may have spent: with such pauses a task makes [PatientAttempts] calls in an outage
// of half a minute. Other errors are as they were.
func Patiently[T any](call func(context.Context) (T, error)) func(context.Context) (T, error) {
	pause := firstPatience // the attempts of a task follow one another
	return func(ctx context.Context) (T, error) {
		v, err := call(ctx)
		if err != nil && Verdict(err).Again {
			err = &patientError{err, pause}
			pause = min(2*pause, longestPatience)
		}
		return v, err
	}
}
