package upstream

import (
	"slices"
	"time"
)

// Judge decides which calls are within the limits of a Config. A Server uses a Judge; tests can use it directly. It has
// no clock and no lock, and every method takes the time since the start. A time before that of an earlier call counts
// as that of the earlier call. All buckets start full and all windows empty.
type Judge struct {
	cfg       Config
	now       int64 // nanoseconds, the latest time passed to a method
	own       map[API][]*meter
	total     []*meter
	meters    map[API][]*meter // own and total
	changes   []Change         // those to come
	strangers []*strangerCalls
	stretches []stretch
}

// Verdict is the judgement of a call.
type Verdict struct {
	// OK reports whether the call is accepted and charged.
	OK bool
	// RetryAfter is the wait of a refused call: the time until it could be accepted if no other call came, or the value
	// of Config.RetryAfter.
	RetryAfter time.Duration
	// Never is true if no wait helps: the call needs more tokens than a full bucket holds, or its API refuses calls
	// until the end. RetryAfter is then 0, unless Config.RetryAfter is set.
	Never bool
	// By names the limit with the longest wait, as in State, or is "stretch". It is empty if OK is true.
	By string
	// Fault is how an accepted call fails because of a Stretch. Empty: it does not fail.
	Fault Fault
}

// NewJudge returns the judge of a configuration. It returns the errors of New.
func NewJudge(cfg Config) (*Judge, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	j := &Judge{cfg: cfg, changes: cfg.Schedule, own: make(map[API][]*meter), meters: make(map[API][]*meter)}
	for _, api := range apis() {
		j.own[api] = cfg.PerAPI[api].meters(string(api), cfg.Slack, 0)
	}
	j.own[Anthropic] = append(j.own[Anthropic], cfg.Tokens.meters(cfg.Slack)...)
	j.setTotal(cfg.Total.meters("total", cfg.Slack, cfg.widest()))
	for _, s := range cfg.Strangers {
		j.strangers = append(j.strangers, newStrangerCalls(s))
	}
	for i, s := range cfg.Stretches {
		j.stretches = append(j.stretches, newStretch(s, cfg.Seed, i))
	}
	return j, nil
}

func (j *Judge) setTotal(total []*meter) {
	j.total = total
	for api, own := range j.own {
		j.meters[api] = slices.Concat(own, total)
	}
}

// Arrive judges one call at now and charges it if it is accepted. A refused call is charged to no limit.
func (j *Judge) Arrive(api API, now time.Duration, c Call) Verdict {
	j.advance(int64(now))
	return j.decide(api, c)
}

// End ends an accepted call: it replaces the charge of c at its arrival by its use. If Config.Tokens are limited, call
// End once for each accepted call.
func (j *Judge) End(api API, now time.Duration, c Call, used Usage) {
	j.advance(int64(now))
	j.settle(api, c, used)
}

// Remaining returns what every limit of an API has left at now.
func (j *Judge) Remaining(api API, now time.Duration) []State {
	j.advance(int64(now))
	states := make([]State, len(j.meters[api]))
	for i, m := range j.meters[api] {
		states[i] = m.state(j.now)
		states[i].Name, states[i].Unit = m.name, m.unit
	}
	return states
}

// decide judges one call at j.now.
func (j *Judge) decide(api API, c Call) Verdict {
	needed, taken := j.cfg.Tokens.Charge.atStart(c)
	fault, wait := j.fault(api)
	var by string
	if wait > 0 {
		by = "stretch"
	}
	for _, m := range j.meters[api] {
		if w := m.wait(j.now, m.of(needed)); w > wait {
			wait, by = w, m.name
		}
	}
	if wait > 0 {
		v := Verdict{By: by, RetryAfter: time.Duration(wait)}
		if wait == never {
			v.Never, v.RetryAfter = true, 0
		}
		if asked := j.cfg.RetryAfter[api]; asked != 0 {
			v.RetryAfter = asked
		}
		return v
	}
	for _, m := range j.meters[api] {
		m.take(j.now, m.of(taken))
	}
	return Verdict{OK: true, Fault: fault}
}

// settle ends one call at j.now.
func (j *Judge) settle(api API, c Call, used Usage) {
	_, taken := j.cfg.Tokens.Charge.atStart(c)
	for _, m := range j.meters[api] {
		if m.unit == Tokens {
			m.take(j.now, m.of(used)-m.of(taken))
		}
	}
}
