package orchestrator

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"
)

// Retry says which tasks run again after an error, and when. Each attempt takes a token and a slot of its own; between
// attempts a task holds neither. The n-th is made after a random time up to First·2ⁿ⁻², at most Most (full jitter).
// Where the provider asked to wait, the limiter shuts the bucket for the whole fleet, and the task waits in line until the longer of the two times
// has passed, and for its token: see [Verdict]. Where the limiter cannot be told, the random time follows that of the provider.
//
// Retries of a route are bounded by a budget of a tenth of its first attempts, and one a second where that is more: an
// outage of the provider is not answered with more calls; ten can be saved up. What the provider has put off itself is not counted. A task
// that the budget does not let run again ends with its error and [ErrRetryBudget].
type Retry struct {
	// Attempts is how often a task runs at most, the first included, up to 100. Zero is 4; 1 is never to try again.
	Attempts int
	// First bounds the wait before the second attempt. Zero is 200 ms.
	First time.Duration
	// Most bounds that before any. Zero is 20 s.
	Most time.Duration
	// MostAfter bounds what a provider may ask for: a task that would have to wait longer ends with its error. Zero is a
	// minute.
	MostAfter time.Duration
	// Classify says whether a task that ended with an error is worth another attempt; it is not asked about panics and
	// timeouts, which are not. It must be quick and safe for concurrent use. Zero takes those errors that say so
	// themselves: see [Again].
	Classify func(error) Verdict
}

// Verdict is what an error means for the task that ended with it, and for the fleet. What it says of the provider is reported
// by the reservation of the attempt, whether the task runs again or not. A report that fails changes nothing for the task.
type Verdict struct {
	// Again says that the task may succeed in another attempt.
	Again bool
	// After is the time before which it cannot, as a provider asks with Retry-After.
	After time.Duration
	// Throttled says that a provider has put the call off because of its quota. That is no failure, and costs none of the budget. It is
	// reported as [limiter.Throttled]: where After is above 0, the fleet waits for it, and the task with the fleet.
	Throttled bool
	// Overloaded says that a provider cannot serve anybody. It is reported as [limiter.Overloaded], unless the call was throttled.
	Overloaded bool
	// Patience, where it is above 0, is how long this task waits at least before another attempt, which then costs none of the budget. It is for
	// the few tasks on which much depends. Neither the fleet nor other tasks wait for it.
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
		return r, errors.New("orchestrator: a retry after less than no time")
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

// Again marks an error as worth another attempt, not before a time has passed; 0 leaves that to [Retry]. Where it is
// more than 0 the provider has put the call off: that costs none of the budget, and the fleet waits for it. It returns nil for nil.
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

// says is the verdict that an error carries itself.
func says(err error) Verdict {
	if e, ok := errors.AsType[*againError](err); ok {
		return e.verdict
	}
	return Verdict{}
}

// classify asks for a verdict. What must not run again does not, whatever is said of it; a panic is no verdict.
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

// pause is a random time before the attempt after one of a number: up to First·2ⁿ⁻¹, at most Most (full jitter, as in
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
func (r *Retry) pause(number int) time.Duration {
	bound := r.Most
	if shift := number - 1; shift < bits.LeadingZeros64(uint64(r.First))-1 {
		bound = min(bound, r.First<<shift)
	}
	return rand.N(bound + 1)
}
