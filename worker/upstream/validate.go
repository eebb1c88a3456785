package upstream

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// The bounds keep every product of the judge within 63 bits: 10⁶·10¹² units for a burst and 10⁹·5·10⁹ for the slack.
const (
	maxRate   = 1_000_000
	maxBurst  = 1_000_000
	maxSlack  = 5 * time.Second
	maxWindow = 1_000_000
	maxPer    = 31 * 24 * time.Hour
	maxWait   = time.Minute
)

func (c Config) validate() error {
	if c.Slack < 0 || c.Slack > maxSlack {
		return fmt.Errorf("upstream: slack is %v: give one from 0 (strict) to %v", c.Slack, maxSlack)
	}
	if err := c.Total.validate("total", c.Slack, true); err != nil {
		return err
	}
	for api := range c.PerAPI {
		if err := known(api, "the per-API limits"); err != nil {
			return err
		}
	}
	for _, api := range apis() { // not the map, so that of two mistakes the same one is reported each time
		if err := c.PerAPI[api].validate(string(api), c.Slack, false); err != nil {
			return err
		}
	}
	if l := c.Latency; l.Min < 0 || l.Max < l.Min || l.Max > maxWait {
		return fmt.Errorf("upstream: latency is %v to %v: give a minimum and a maximum from 0 to %v, the smaller one first", l.Min, l.Max, maxWait)
	}
	for _, share := range []struct {
		name string
		of   float64
	}{{"failures", c.Failures}, {"overloaded", c.Overloaded}, {"failures + overloaded", c.Failures + c.Overloaded}} {
		if !(share.of >= 0 && share.of <= 1) { // so that NaN is refused too
			return fmt.Errorf("upstream: share of %s is %v: give one from 0 to 1", share.name, share.of)
		}
	}
	return c.validateScenario()
}

// validateScenario checks what a provider can do beyond its limits and its failures.
func (c Config) validateScenario() error {
	for _, api := range slices.Sorted(maps.Keys(c.RetryAfter)) {
		wait := c.RetryAfter[api]
		if err := known(api, "retry-after"); err != nil {
			return err
		}
		if wait <= 0 || wait > maxPer {
			return fmt.Errorf("upstream: retry-after of %s is %v: give one above 0 and at most %v", api, wait, maxPer)
		}
	}
	for i, s := range c.Strangers {
		if err := s.validate(i); err != nil {
			return err
		}
	}
	for i, s := range c.Stretches {
		if err := s.validate(i); err != nil {
			return err
		}
	}
	return cmp.Or(c.validateModels(), c.validateAccounts(), c.Tokens.validate(), c.Output.validate(), c.validateSchedule(), validateHeaders(c.Headers))
}

func known(api API, where string) error {
	if all := apis(); !slices.Contains(all[:], api) {
		return fmt.Errorf("upstream: api %q of %s is unknown: the APIs are %v", api, where, all)
	}
	return nil
}

func (l Limit) validate(name string, slack time.Duration, required bool) error {
	if required && l.Window == (Window{}) || l.Rate != 0 || l.Burst != 0 {
		if !(l.Rate >= 0.001 && l.Rate <= maxRate) || math.Round(l.Rate*1000)/1000 != l.Rate {
			return fmt.Errorf("upstream: %s rate is %v: give one from 0.001 to %d a second in steps of 0.001", name, l.Rate, maxRate)
		}
		if l.Burst < 1 || l.Burst > maxBurst {
			return fmt.Errorf("upstream: %s burst is %d: give one from 1 to %d", name, l.Burst, maxBurst)
		}
	}
	if w := l.Window; w != (Window{}) {
		if w.N < 1 || w.N > maxWindow {
			return fmt.Errorf("upstream: %s window count is %d: give one from 1 to %d", name, w.N, maxWindow)
		}
		if w.Per <= slack || w.Per > maxPer {
			return fmt.Errorf("upstream: %s window length is %v: give one longer than the slack (%v) and at most %v", name, w.Per, slack, maxPer)
		}
	}
	return nil
}
