package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// scenarioFlags are the behaviours of the simulated providers besides constant limits of calls.
type scenarioFlags struct {
	InputTokens  string   `placeholder:"PER_MINUTE:BURST" help:"Limit of Anthropic's input tokens, such as 30000:30000."`
	OutputTokens string   `placeholder:"PER_MINUTE:BURST" help:"Limit of Anthropic's output tokens, such as 8000:8000."`
	TotalTokens  string   `placeholder:"PER_MINUTE:BURST" help:"Limit of the sum of both, as Bedrock has."`
	Charge       string   `default:"start" enum:"start,end,held" help:"When a call is charged its output tokens (${default}): start, end, or held. held takes max_tokens at the start and returns the surplus at the end, as Bedrock does."`
	OutputMedian int64    `range:"0 to 10000000" placeholder:"TOKENS" help:"Median of the output tokens of Anthropic's answers. Without it, an answer has as many tokens as its text."`
	OutputSigma  float64  `default:"0" range:"0 to 3" help:"Spread of the output tokens, 0 to 3: the sigma of a log-normal distribution."`
	Headers      []string `placeholder:"DIALECT" help:"Header fields with what is left of a limit: anthropic, x-seconds, x-duration, x-rfc3339, x-epoch, ietf, ietf-list, ietf-fields, ietf-window, retry-seconds, retry-imf, retry-rfc850, retry-asctime, retry-ms. May be repeated."`
	RetryAfter   []string `placeholder:"NAME=DURATION" help:"Retry-after of refused calls of one provider, such as spotify=24h. May be repeated."`
	Change       []string `placeholder:"AT=RATE:BURST" help:"New shared limit from a time after the start, such as 30s=20:20 or 30s=100/1m. May be repeated."`
	Strangers    []string `placeholder:"NAME=RATE@FROM-TO" help:"Calls a second of other clients, such as spotify=5@10s-60s; anthropic=1:500:200@10s-60s with input and output tokens. May be repeated."`
	Stretch      []string `placeholder:"NAME=FAULT:SHARE@FROM-TO" help:"Time in which a share of calls fails, such as anthropic=overloaded:0.5@10s-60s. Faults: refused, unavailable, overloaded, spent, midway, cut (anthropic), lost (spotify), error-29, suspended (lastfm). May be repeated."`
}

// apply adds the scenario to a configuration. If fixed is set, windows begin at multiples of their length.
func (f scenarioFlags) apply(cfg *upstream.Config, fixed bool) (err error) {
	for _, l := range []struct {
		flag, text string
		into       *upstream.TokenLimit
	}{
		{"--input-tokens", f.InputTokens, &cfg.Tokens.Input},
		{"--output-tokens", f.OutputTokens, &cfg.Tokens.Output},
		{"--total-tokens", f.TotalTokens, &cfg.Tokens.Total},
	} {
		if l.text == "" {
			continue
		}
		if *l.into, err = parseTokens(l.flag, l.text); err != nil {
			return err
		}
	}
	cfg.Tokens.Charge = upstream.Charge(f.Charge)
	cfg.Output = upstream.OutputLength{Median: f.OutputMedian, Sigma: f.OutputSigma}
	for _, dialect := range f.Headers {
		cfg.Headers = append(cfg.Headers, upstream.Dialect(dialect))
	}
	for _, text := range f.RetryAfter {
		name, wait, _ := strings.Cut(text, "=")
		d, err := time.ParseDuration(wait)
		if err != nil {
			return fmt.Errorf("--retry-after %q: want NAME=DURATION, such as spotify=24h", text)
		}
		if cfg.RetryAfter == nil {
			cfg.RetryAfter = map[upstream.API]time.Duration{}
		}
		cfg.RetryAfter[upstream.API(name)] = d
	}
	for _, text := range f.Change {
		change, err := parseChange(text)
		if err != nil {
			return err
		}
		change.Limit.Window.Fixed = fixed && change.Limit.Window.N != 0
		cfg.Schedule = append(cfg.Schedule, change)
	}
	for _, text := range f.Strangers {
		s, err := parseStrangers(text)
		if err != nil {
			return err
		}
		cfg.Strangers = append(cfg.Strangers, s)
	}
	for _, text := range f.Stretch {
		s, err := parseStretch(text)
		if err != nil {
			return err
		}
		cfg.Stretches = append(cfg.Stretches, s)
	}
	return nil
}
