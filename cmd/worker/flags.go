package main

import (
	"fmt"
	"math/big"
	"time"

	"github.com/weir-go/weir/limiter"
)

// rate is a number of tokens a second, parsed from "40" or "0.5" without rounding.
type rate struct {
	tokens int64
	per    time.Duration
}

// UnmarshalText parses a positive decimal number.
func (r *rate) UnmarshalText(text []byte) error {
	q, ok := new(big.Rat).SetString(string(text))
	if !ok || q.Sign() <= 0 || !q.Num().IsInt64() || !q.Denom().IsInt64() || q.Denom().Int64() > 1_000_000 {
		return fmt.Errorf("%q: want a number of requests a second above 0, such as 40 or 0.5", text)
	}
	r.tokens, r.per = q.Num().Int64(), time.Duration(q.Denom().Int64())*time.Second
	return nil
}

// budgetFlags are the budget of the fleet.
type budgetFlags struct {
	Rate      rate   `env:"WEIR_RATE" default:"40" placeholder:"N" help:"Requests a second for the whole fleet (${default})."`
	Burst     int64  `env:"WEIR_BURST" default:"40" range:"1 or more" placeholder:"N" help:"Requests that may start at once after an idle time (${default}). For at most 40 in any second, rate + burst has to be at most 40."`
	Slots     int    `env:"WEIR_SLOTS" default:"10" range:"1 or more" placeholder:"N" help:"Requests in flight at the same time, per replica (${default})."`
	Namespace string `env:"WEIR_NAMESPACE" default:"weir" placeholder:"NAME" help:"Name under which the fleet shares its budget (${default})."`
}

// Validate returns an error for values that the limiter does not accept.
func (b budgetFlags) Validate() error {
	switch {
	case b.Burst < 1:
		return fmt.Errorf("--burst %d: want 1 or more", b.Burst)
	case b.Slots < 1:
		return fmt.Errorf("--slots %d: want 1 or more", b.Slots)
	case limiter.ValidateName("namespace", b.Namespace) != nil:
		return fmt.Errorf("--namespace %q: want 1 to 100 bytes without blanks and braces", b.Namespace)
	}
	if _, err := limiter.NewMemory(limiter.Config{
		Namespace: b.Namespace, Buckets: map[string][]limiter.Limit{"global": {b.limit()}},
	}); err != nil {
		return fmt.Errorf("--rate: %w", err)
	}
	return nil
}

func (b budgetFlags) limit() limiter.Limit {
	return limiter.Limit{Tokens: b.Rate.tokens, Per: b.Rate.per, Burst: b.Burst}
}
