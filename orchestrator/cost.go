package orchestrator

import (
	"strconv"
	"strings"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Tokens is what the task costs, 1 to the burst of every bucket of its route. Without it, or below 1, the task costs one token.
func Tokens(n int64) Option { return func(o *options) { o.tokens = max(1, n) } }

// Costs is what the task costs of buckets of its route, each in the bucket's own unit: see [limiter.Costs]. Of other buckets the task
// costs one token, or those of [Tokens]. Shares take turns in the largest of these numbers. Where tasks of a route have Costs, a
// deadline that cannot be met ends a task when it comes, not before: a route cannot tell yet which of its buckets will be short.
func Costs(c limiter.Costs) Option { return func(o *options) { o.costs = c } }

// costOf is a cost as the core takes it. Equal costs are equal values.
func costOf(tokens int64, costs limiter.Costs) core.Cost {
	c := core.Cost{Tokens: tokens}
	if len(costs) > 0 {
		c.Of = strconv.FormatInt(tokens, 10) + " " + costs.String()
		for _, n := range costs {
			c.Tokens = max(c.Tokens, n)
		}
	}
	return c
}

// limiterCost is a cost as the limiter takes it.
func limiterCost(c core.Cost) (tokens int64, costs limiter.Costs) {
	if c.Of == "" {
		return c.Tokens, nil
	}
	first, rest, _ := strings.Cut(c.Of, " ")
	tokens, _ = strconv.ParseInt(first, 10, 64)
	return tokens, limiter.ParseCosts(rest)
}
