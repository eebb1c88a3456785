package upstream

import (
	"fmt"
	"slices"
	"time"
)

// TokenLimits are Anthropic's limits of tokens. They are judged together with the limits of calls: a call that lacks
// tokens is refused and charged to none of them.
type TokenLimits struct {
	// Input counts input tokens. The estimate is charged at the start and corrected at the end. Zero: no limit.
	Input TokenLimit
	// Output counts output tokens by the rule of Charge. Zero: no limit.
	Output TokenLimit
	// Total counts input and output tokens together, as Bedrock does. Zero: no limit.
	Total TokenLimit
	// Charge sets when output tokens are charged. Zero: ChargeStart.
	Charge Charge
}

// TokenLimit is a bucket of tokens.
type TokenLimit struct {
	// PerMinute is the refill in tokens a minute, from 1 to 10,000,000. Zero, together with a zero Burst: no limit.
	PerMinute int64
	// Burst is the number of tokens in a full bucket, slack apart, from 1 to 10,000,000. Zero: see PerMinute.
	Burst int64
}

// Charge is the rule by which a provider charges output tokens.
type Charge string

// The rules of the providers. Cache reads are free under the first two.
const (
	// ChargeStart charges the real output tokens of the call at its start. If the call ends early, the missing tokens
	// are returned.
	ChargeStart Charge = "start"
	// ChargeEnd charges output tokens at the end of the call, into debt if needed. A call starts if at least one token
	// is left.
	ChargeEnd Charge = "end"
	// ChargeHeld is Bedrock's rule: input, cache reads and max_tokens are held from the start to the end, then the
	// surplus is returned.
	ChargeHeld Charge = "held"
)

// Call is a call at its start, for the judge. Only calls of Anthropic have tokens.
type Call struct {
	Input     int64 // estimate of the input tokens, without cache reads
	CacheRead int64 // input tokens that the cache has
	Output    int64 // output tokens that the call will have if it is not cut short, at most MaxTokens
	MaxTokens int64 // the max_tokens of the request
}

// Usage is the use of a call at its end.
type Usage struct {
	Input  int64 // without cache reads
	Output int64
}

// atStart returns what a call needs in order to start, and what it is charged then.
func (c Charge) atStart(of Call) (needed, taken Usage) {
	switch c {
	case ChargeEnd:
		return Usage{of.Input, 1}, Usage{of.Input, 0}
	case ChargeHeld:
		held := Usage{of.Input + of.CacheRead, of.MaxTokens}
		return held, held
	}
	all := Usage{of.Input, of.Output}
	return all, all
}

func (t TokenLimits) meters(slack time.Duration) (out []*meter) {
	for _, l := range t.named() {
		if l.limit == (TokenLimit{}) {
			continue
		}
		full := l.limit.Burst*modelToken + l.limit.PerMinute*int64(slack)
		out = append(out, &meter{name: l.name, unit: Tokens, of: l.of, gate: &bucket{
			unit: modelToken, refill: l.limit.PerMinute, full: full, burst: l.limit.Burst, level: full,
		}})
	}
	return out
}

type namedLimit struct {
	name  string
	limit TokenLimit
	of    func(Usage) int64
}

func (t TokenLimits) named() []namedLimit {
	return []namedLimit{
		{"input-tokens", t.Input, func(u Usage) int64 { return u.Input }},
		{"output-tokens", t.Output, func(u Usage) int64 { return u.Output }},
		{"tokens", t.Total, func(u Usage) int64 { return u.Input + u.Output }},
	}
}

// limited reports whether there is any limit of tokens.
func (t TokenLimits) limited() bool {
	return slices.ContainsFunc(t.named(), func(l namedLimit) bool { return l.limit != TokenLimit{} })
}

const maxTokens = 10_000_000

func (t TokenLimits) validate() error {
	for _, l := range t.named() {
		if l.limit == (TokenLimit{}) {
			continue
		}
		if l.limit.PerMinute < 1 || l.limit.PerMinute > maxTokens {
			return fmt.Errorf("upstream: %s per minute is %d: give one from 1 to %d", l.name, l.limit.PerMinute, maxTokens)
		}
		if l.limit.Burst < 1 || l.limit.Burst > maxTokens {
			return fmt.Errorf("upstream: %s burst is %d: give one from 1 to %d", l.name, l.limit.Burst, maxTokens)
		}
	}
	if rules := []Charge{ChargeStart, ChargeEnd, ChargeHeld}; t.Charge != "" && !slices.Contains(rules, t.Charge) {
		return fmt.Errorf("upstream: charge is %q: give one of %v", t.Charge, rules)
	}
	return nil
}
