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

// unknownUsage is a number of tokens that an answer does not say.
const unknownUsage = -1

// tokensUsed are the tokens of one call, each unknownUsage where it is not known.
type tokensUsed struct{ input, output int64 }

// used is what a call has used, as far as its answer says. A call that was refused before its answer began has used nothing. An answer that
// breaks off has said what its input was, and not how long it had become.
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

// settle corrects what the call of a context has cost, once that is known. What is not known counts as it was estimated.
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

// costs is what a question is estimated to cost: a token for every three bytes, which is more than English has, and all the output that the
// answer may have. The limiter learns what calls really cost. It is nil where no tokens are counted.
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

// AskCosts is what [Anthropic.Ask] is estimated to take of the buckets of [ClientConfig.Usage], nil where they count nothing.
func (a *Anthropic) AskCosts(prompt string) limiter.Costs { return a.usage.costs(prompt, answerTokens) }

// NarrateCosts is the same of [Anthropic.Narrate].
func (a *Anthropic) NarrateCosts(prompt string) limiter.Costs {
	return a.usage.costs(prompt, narrationTokens)
}

// quotas are the quotas of an answer that are reported, for the buckets that count them; see [transport.Quotas].
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
