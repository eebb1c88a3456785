package main

import (
	"fmt"
	"math/big"
	"time"

	"github.com/weir-go/weir/limiter"
)

// rate is tokens a second as a person writes it, "40" or "0.5", kept exactly.
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

// budgetFlags say what the fleet may do.
type budgetFlags struct {
	Rate      rate   `env:"WEIR_RATE" default:"40" placeholder:"N" help:"Requests a second of the whole fleet (${default})."`
	Burst     int64  `env:"WEIR_BURST" default:"40" range:"1 or more" placeholder:"N" help:"Requests at once, saved up while idle (${default}). Never more than 40 in any second means rate + burst <= 40."`
	Slots     int    `env:"WEIR_SLOTS" default:"10" range:"1 or more" placeholder:"N" help:"Requests under way at the same time, per replica (${default})."`
	Namespace string `env:"WEIR_NAMESPACE" default:"weir" placeholder:"NAME" help:"Name under which the fleet shares its budget (${default})."`
}

// Validate refuses values that no limiter can keep.
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
