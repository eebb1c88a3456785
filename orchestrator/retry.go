package orchestrator

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"
)

// Retry sets which tasks run again after an error, and when. Each attempt takes a token and a slot of its own; between
// attempts a task holds neither. The n-th attempt is made after a random time up to First·2ⁿ⁻², at most Most (full
// jitter). If the provider asked to wait, the limiter shuts the bucket for the whole fleet. The task then waits in line
// until the longer of the two times has passed, and for its token: see [Verdict]. If the limiter cannot get the report,
// the task waits for the provider's time and then for the random time.
//
// A budget bounds the retries of a route to a tenth of its first attempts, or to one a second if that is more. So an
// outage of the provider does not cause more calls. Ten retries can be saved up. Calls that the provider itself has put
// off are not counted. If the budget is spent, a task ends with its error and [ErrRetryBudget].
type Retry struct {
	// Attempts is how often a task runs at most, including the first attempt, up to 100. Zero is 4; with 1 there are no
	// retries.
	Attempts int
	// First bounds the wait before the second attempt. Zero is 200 ms.
	First time.Duration
	// Most bounds the wait before any attempt. Zero is 20 s.
	Most time.Duration
	// MostAfter bounds the wait that a provider may ask for: a task that would have to wait longer ends with its error.
	// Zero is a minute.
	MostAfter time.Duration
	// Classify decides whether a task that ended with an error gets another attempt. Panics and timeouts get none, and
	// Classify is not called for them. It must be quick and safe for concurrent use. If it is nil, errors marked by
	// [Again] get another attempt.
	Classify func(error) Verdict
}

// Verdict is what an error means for the task that ended with it, and for the fleet. The reservation of the attempt
// reports the part about the provider, whether the task runs again or not. A report that fails changes nothing for the
// task.
type Verdict struct {
	// Again is true if the task may succeed in another attempt.
	Again bool
	// After is the time before which another attempt cannot succeed, such as the provider's Retry-After.
	After time.Duration
	// Throttled is true if a provider has put the call off because of its quota. That is no failure, and costs nothing
	// of the budget. It is reported as [limiter.Throttled]: if After is above 0, the fleet waits for that time, and so
	// does the task.
	Throttled bool
	// Overloaded is true if a provider cannot serve any caller. It is reported as [limiter.Overloaded], unless the call
	// was throttled.
	Overloaded bool
	// Patience, if above 0, is the least time that this task waits before another attempt, which then costs nothing of
	// the budget. It is for the few tasks on which much depends. Neither the fleet nor other tasks wait for that time.
	Patience time.Duration
}

const (
	defaultAttempts  = 4
	defaultFirst     = 200 * time.Millisecond
	defaultMost      = 20 * time.Second
	defaultMostAfter = time.Minute
)

func (r Retry) filled() (Retry, error) {
	if r.Attempts < 0 || r.Attempts > maxAttempts {
		return r, fmt.Errorf("orchestrator: %d attempts: want 1 to %d, or 0 for %d", r.Attempts, maxAttempts, defaultAttempts)
	}
	if r.First < 0 || r.Most < 0 || r.MostAfter < 0 {
		return r, errors.New("orchestrator: negative time in Retry")
	}
	fill(&r.Attempts, defaultAttempts)
	fill(&r.First, defaultFirst)
	fill(&r.Most, defaultMost)
	fill(&r.MostAfter, defaultMostAfter)
	r.Most, r.MostAfter = min(r.Most, forever), min(r.MostAfter, forever)
	if r.Classify == nil {
		r.Classify = says
	}
	return r, nil
}

// Again marks an error as worth another attempt after a time; 0 leaves the time to [Retry]. A time above 0 means that
// the provider has put the call off: the retry costs nothing of the budget, and the fleet waits for that time. Again
// returns nil for nil.
func Again(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &againError{err, Verdict{Again: true, After: max(0, after), Throttled: after > 0}}
}

type againError struct {
	error

	verdict Verdict
}

func (e *againError) Unwrap() error { return e.error }

// says returns the verdict that an error carries.
func says(err error) Verdict {
	if e, ok := errors.AsType[*againError](err); ok {
		return e.verdict
	}
	return Verdict{}
}

// classify returns the verdict on an error. A panic or a Goexit never leads to a retry. If Classify panics, there is no
// verdict.
func (r *Retry) classify(err error) (v Verdict) {
	defer func() {
		if recover() != nil {
			v = Verdict{}
		}
	}()
	if _, panicked := errors.AsType[*PanicError](err); panicked || errors.Is(err, ErrGoexit) {
		return Verdict{}
	}
	return r.Classify(err)
}

// pause returns a random time to wait after attempt n: up to First·2ⁿ⁻¹, at most Most (full jitter, as in
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func (r *Retry) pause(number int) time.Duration {
	bound := r.Most
	if shift := number - 1; shift < bits.LeadingZeros64(uint64(r.First))-1 {
		bound = min(bound, r.First<<shift)
	}
	return rand.N(bound + 1)
}
