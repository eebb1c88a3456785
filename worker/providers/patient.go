package providers

import (
	"context"
	"time"
)

// patientError is the error of a call that is worth waiting for.
type patientError struct {
	err   error
	pause time.Duration
}

func (e *patientError) Error() string { return e.err.Error() }
func (e *patientError) Unwrap() error { return e.err }

// PatientAttempts is how often a task of [Patiently] has to be allowed to run. The pauses between so many attempts are 79.5 s together, so that
// the task outlasts an outage of half a minute with a call that takes its time. Where 30 % of all calls fail, one task in twenty million fails
// as often as that; of eight attempts it would be one in fifteen thousand.
const PatientAttempts = 14

const (
	firstPatience   = 500 * time.Millisecond
	longestPatience = 8 * time.Second
)

// Patiently returns the call of one task on which much depends. Where [Verdict] would have the call repeated, the next attempt comes at least
// half a second later, then a second, two, four and from then on eight, or what the provider asks for if that is longer. These attempts cost
// none of the retry budget of the route, which other calls may have spent: with such pauses a task makes eight calls in an outage of half a
// minute, and [PatientAttempts] in all. Nobody else waits for them. Other errors are as they were.
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
