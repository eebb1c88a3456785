package upstreamtest

import (
	"context"
	"fmt"
	"time"
)

// Step sets how an API answers some of the calls within the limit. Calls above the limit are answered 429 in any case,
// and are not counted by a script. A zero Step leaves one call to the handler.
type Step struct {
	// Calls is how many calls the step answers, 1 or more. Zero: see For.
	Calls int
	// For is how long the step lasts, from the first call that reaches it; a call exactly at its end belongs to the
	// next step. Zero, together with zero Calls: the step is for one call. Only one of Calls and For can be set.
	For time.Duration
	// Delay is the wait before the answer. It ends if the client leaves. Zero: none.
	Delay time.Duration
	// Status is the status of the answer, from 200 to 599: for example 429, or 529 for an overloaded API. Zero: the
	// handler answers.
	Status int
	// RetryAfter is how long the answer asks the client to wait, at most 31 days, in the dialects of the Config. Zero:
	// nothing.
	RetryAfter time.Duration
	// HangUp closes the connection instead of an answer. The client of API.Client gets an error. A client that keeps
	// connections may send a GET again on its own.
	HangUp bool
}

const longest = 31 * 24 * time.Hour

// Script makes the API answer the next calls step by step, and as usual after the last step. It replaces the rest of an
// earlier script. A step out of range ends the test.
func (a *API) Script(steps ...Step) {
	a.tb.Helper()
	for i, s := range steps {
		if err := s.validate(); err != nil {
			a.tb.Fatalf("upstreamtest: step %d: %v", i, err)
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.script = script{steps: append([]Step(nil), steps...)}
}

func (s Step) validate() error {
	switch {
	case s.Calls < 0:
		return fmt.Errorf("calls is %d: give 1 or more, or 0 and a time in For", s.Calls)
	case s.For < 0 || s.For > longest:
		return fmt.Errorf("for is %v: give a time from 0 to %v", s.For, longest)
	case s.Calls > 0 && s.For > 0:
		return fmt.Errorf("calls is %d and for is %v: give one of them", s.Calls, s.For)
	case s.Delay < 0 || s.Delay > longest:
		return fmt.Errorf("delay is %v: give a time from 0 to %v", s.Delay, longest)
	case s.Status != 0 && (s.Status < 200 || s.Status > 599):
		return fmt.Errorf("status is %d: give one from 200 to 599, or 0 for the handler's", s.Status)
	case s.RetryAfter < 0 || s.RetryAfter > longest:
		return fmt.Errorf("retry-after is %v: give a time from 0 to %v", s.RetryAfter, longest)
	case s.HangUp && s.Status != 0:
		return fmt.Errorf("status is %d in a step that hangs up: give one of them", s.Status)
	}
	return nil
}

// script is the remaining steps; the first may have begun.
type script struct {
	steps []Step
	taken int           // calls that the first step has answered
	since time.Duration // when the first call of that step came
}

// next returns the step for a call that comes now.
func (s *script) next(now time.Duration) Step {
	for len(s.steps) > 0 {
		first := s.steps[0]
		if s.taken == 0 {
			s.since = now
		}
		within := s.taken < max(1, first.Calls)
		if first.For > 0 {
			within = now-s.since < first.For
		}
		if within {
			s.taken++
			return first
		}
		s.steps, s.taken = s.steps[1:], 0
	}
	return Step{}
}

// pause waits for the delay. It returns false if the client left before its end.
func (s Step) pause(ctx context.Context) bool {
	if s.Delay == 0 {
		return true
	}
	t := time.NewTimer(s.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
