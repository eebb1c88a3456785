package upstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Stretch is a time in which calls of an API fail, whatever the limits are.
type Stretch struct {
	// API is the provider.
	API API
	// From is the beginning, since the start, at most 31 days.
	From time.Duration
	// To is the end; a call at To is not in the stretch. Zero: it does not end.
	To time.Duration
	// Fault is how calls fail.
	Fault Fault
	// Share is the share of calls that fail, above 0 and at most 1, drawn from the seed.
	Share float64
}

// Fault is how a call fails.
type Fault string

// The faults. A refused call is charged to no limit; the others are accepted first, and use no tokens.
const (
	// Refused calls get 429 with the time until the stretch ends.
	Refused Fault = "refused"
	// Unavailable calls get 503, at Last.fm error 16 inside 200.
	Unavailable Fault = "unavailable"
	// Overloaded calls get 529. Only Anthropic has this fault.
	Overloaded Fault = "overloaded"
	// Error29 calls get error 29, "rate limit exceeded", inside 200 and without Retry-After. Only Last.fm has this
	// fault.
	Error29 Fault = "error-29"
	// Suspended calls get error 26, "key suspended", inside 403. Only Last.fm has this fault.
	Suspended Fault = "suspended"
	// Spent calls get 400, because the usage limit of the account's month is reached. Only Anthropic has this fault.
	Spent Fault = "spent"
	// Midway calls get a stream that ends after half of its text with an event error, of type overloaded_error; calls
	// without a stream get 529. Only Anthropic has this fault. The half that was sent is charged.
	Midway Fault = "midway"
	// Cut calls get a stream that ends after half of its text without an error event. Only Anthropic has this fault.
	// The half that was sent is charged.
	Cut Fault = "cut"
	// Lost calls are carried out, and get 502. Only Spotify has this fault.
	Lost Fault = "lost"
)

// stretch is a Stretch with a source of its own, so that one does not change what another one draws.
type stretch struct {
	Stretch
	dice *rand.Rand
}

func newStretch(s Stretch, seed uint64, number int) stretch {
	return stretch{s, rand.New(rand.NewPCG(seed, uint64(number)))}
}

// fault returns how a call at j.now fails, and for how long it is refused. The first stretch that hits counts.
func (j *Judge) fault(api API) (fault Fault, refused int64) {
	for _, s := range j.stretches {
		if s.API != api || j.now < int64(s.From) || s.To != 0 && j.now >= int64(s.To) || s.dice.Float64() >= s.Share {
			continue
		}
		switch {
		case s.Fault != Refused:
			return s.Fault, 0
		case s.To == 0:
			return Refused, never
		}
		return Refused, int64(s.To) - j.now
	}
	return "", 0
}

func (s Stretch) validate(number int) error {
	name := fmt.Sprintf("stretch %d", number)
	if err := known(s.API, name); err != nil {
		return err
	}
	faults := []Fault{Refused, Unavailable}
	switch s.API {
	case Anthropic:
		faults = append(faults, Overloaded, Spent, Midway, Cut)
	case Spotify:
		faults = append(faults, Lost)
	case LastFM:
		faults = append(faults, Error29, Suspended)
	}
	if !slices.Contains(faults, s.Fault) {
		return fmt.Errorf("upstream: %s fault is %q: give one of %v for %s", name, s.Fault, faults, s.API)
	}
	if !(s.Share > 0 && s.Share <= 1) {
		return fmt.Errorf("upstream: %s share is %v: give one above 0 and at most 1", name, s.Share)
	}
	return validStretch(name, s.From, s.To)
}

// validStretch checks a time from and to, where 0 is no end.
func validStretch(name string, from, to time.Duration) error {
	if from < 0 || from > maxPer {
		return fmt.Errorf("upstream: %s begins at %v: give a time from 0 to %v", name, from, maxPer)
	}
	if to != 0 && (to <= from || to > maxPer) {
		return fmt.Errorf("upstream: %s ends at %v: give a time after %v and at most %v, or 0 for no end", name, to, from, maxPer)
	}
	return nil
}
