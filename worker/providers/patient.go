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

// PatientAttempts is how many attempts a task of [Patiently] needs. The pauses between so many attempts are 79.5 s
// together, so that the task outlasts an outage of half a minute even with slow calls. If 30 % of all calls fail, one
// task in twenty million fails that often; with eight attempts it would be one in fifteen thousand.
const PatientAttempts = 14

const (
	firstPatience   = 500 * time.Millisecond
	longestPatience = 8 * time.Second
)

// Patiently returns the call of one task on which much depends. If [Verdict] allows another attempt, that attempt comes
// at least half a second later, then a second, two, four and from then on eight, or after the provider's time if that
// is longer. These attempts cost nothing of the retry budget of the route, which other calls may have spent. With such
// pauses a task makes eight calls in an outage of half a minute, and [PatientAttempts] in all. No other task waits for
// them. Other errors do not change.
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
