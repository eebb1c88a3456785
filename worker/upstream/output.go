package upstream

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// OutputLength is a log-normal distribution of the output tokens of Anthropic's answers.
type OutputLength struct {
	// Median is in tokens, from 1 to 10,000,000. Zero: an answer has as many tokens as its text.
	Median int64
	// Sigma is the standard deviation of the logarithm, from 0 to 3. Zero: every answer has Median tokens.
	Sigma float64
}

// draw returns a number of tokens, at least 1.
func (o OutputLength) draw(dice *rand.Rand) int64 {
	return int64(max(1, math.Round(float64(o.Median)*math.Exp(o.Sigma*dice.NormFloat64()))))
}

func (o OutputLength) validate() error {
	if o.Median < 0 || o.Median > maxTokens || o.Median == 0 && o.Sigma != 0 {
		return fmt.Errorf("upstream: output median is %d: give one from 1 to %d, or 0 together with a sigma of 0", o.Median, maxTokens)
	}
	if !(o.Sigma >= 0 && o.Sigma <= 3) {
		return fmt.Errorf("upstream: output sigma is %v: give one from 0 to 3", o.Sigma)
	}
	return nil
}
