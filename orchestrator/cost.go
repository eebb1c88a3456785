package orchestrator

import (
	"strconv"
	"strings"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Tokens sets the cost of the task, 1 to the burst of every bucket of its route. Without this option, or below 1, the
// task costs one token.
func Tokens(n int64) Option { return func(o *options) { o.tokens = max(1, n) } }

// Costs sets what the task costs in buckets of its route, each in the bucket's own unit: see [limiter.Costs]. In other
// buckets the task costs one token, or the number of [Tokens]. Shares take turns in the largest of these numbers. If
// tasks of a route have Costs, a deadline that cannot be met ends a task at the deadline, not before: the route does
// not know in advance which of its buckets will be short.
func Costs(c limiter.Costs) Option { return func(o *options) { o.costs = c } }

// costOf returns a cost in the form of the core. Equal costs are equal values.
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

// limiterCost returns a cost in the form of the limiter.
func limiterCost(c core.Cost) (tokens int64, costs limiter.Costs) {
	if c.Of == "" {
		return c.Tokens, nil
	}
	first, rest, _ := strings.Cut(c.Of, " ")
	tokens, _ = strconv.ParseInt(first, 10, 64)
	return tokens, limiter.ParseCosts(rest)
}
