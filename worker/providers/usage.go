package providers

import (
	"context"
	"errors"

	"github.com/anthropics/anthropic-sdk-go"

	"github.com/weir-go/weir/limiter"
)

// UsageBuckets are buckets whose tokens are those of a model. Name them in [limiter.Config.Metered] too.
type UsageBuckets struct {
	// Input counts input tokens, except those that were read from the provider's cache. "" counts none.
	Input string
	// Output counts output tokens. "" counts none.
	Output string
}

// unknownUsage is a number of tokens that an answer does not state.
const unknownUsage = -1

// tokensUsed are the tokens of one call, each unknownUsage if not known.
type tokensUsed struct{ input, output int64 }

// used returns what a call has used, as far as its answer states it. A call that was refused before its answer began
// has used nothing. An answer that breaks off has stated its input tokens, but not its output tokens.
func used(msg *anthropic.Message, whole bool, err error) tokensUsed {
	u := tokensUsed{unknownUsage, unknownUsage}
	if msg.ID != "" {
		u.input = msg.Usage.InputTokens + msg.Usage.CacheCreationInputTokens
		if whole {
			u.output = msg.Usage.OutputTokens
		}
	} else if denied, ok := errors.AsType[*anthropic.Error](err); ok && denied.StatusCode >= 400 {
		u = tokensUsed{}
	}
	return u
}

// settle corrects the cost of the call of a context, once it is known. An unknown part keeps its estimate.
func (u UsageBuckets) settle(ctx context.Context, used tokensUsed) {
	r, ok := limiter.FromContext(ctx)
	if !ok || r.Route() != APIAnthropic || r.Costs() == nil {
		return
	}
	costs := limiter.Costs{}
	if u.Input != "" && used.input != unknownUsage {
		costs[u.Input] = used.input
	}
	if u.Output != "" && used.output != unknownUsage {
		costs[u.Output] = used.output
	}
	if len(costs) > 0 {
		r.Settle(costs)
	}
}

// costs returns the estimated cost of a question: a token for every three bytes, which is more than English has, and
// all the output that the answer may have. The limiter learns the real costs of calls. The costs are nil if no tokens
// are counted.
func (u UsageBuckets) costs(prompt string, output int64) limiter.Costs {
	costs := limiter.Costs{}
	if u.Input != "" {
		costs[u.Input] = int64(len(prompt)/3) + 16
	}
	if u.Output != "" {
		costs[u.Output] = output
	}
	if len(costs) == 0 {
		return nil
	}
	return costs
}

// AskCosts returns the estimated cost of [Anthropic.Ask] in the buckets of [ClientConfig.Usage], nil if they count no
// tokens.
func (a *Anthropic) AskCosts(prompt string) limiter.Costs { return a.usage.costs(prompt, answerTokens) }

// NarrateCosts is AskCosts for [Anthropic.Narrate].
func (a *Anthropic) NarrateCosts(prompt string) limiter.Costs {
	return a.usage.costs(prompt, narrationTokens)
}

// quotas returns which quotas of an answer are reported, and for which buckets: see [transport.Quotas].
func (u UsageBuckets) quotas() map[string]string {
	q := map[string]string{"requests": ""}
	if u.Input != "" {
		q["input-tokens"] = u.Input
	}
	if u.Output != "" {
		q["output-tokens"] = u.Output
	}
	return q
}
