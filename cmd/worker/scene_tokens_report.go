package main

import (
	"fmt"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// The marks of the scene.
const (
	markUsed          = 0.9  // of the provider's tokens, at least, by the fleet that settles
	markTokensRefused = 0.01 // of the calls of that fleet, at most
)

// tokensReport is the result of the scene, as --json prints it.
type tokensReport struct {
	Scene     string    `json:"scene"`
	Replicas  int       `json:"replicas"` // of each fleet
	Seconds   float64   `json:"seconds"`
	From      float64   `json:"from"` // when counting began, s: the bursts were used up
	Settled   tokensUse `json:"settled"`
	Unsettled tokensUse `json:"unsettled"`
}

// tokensUse is what a fleet used in a period.
type tokensUse struct {
	Used        float64 `json:"used"` // part of the tokens that the provider allowed in the period
	Tokens      int64   `json:"tokens"`
	Calls       int     `json:"calls"`
	Refused     int     `json:"refused"`
	RefusedPart float64 `json:"refused_part"` // of the calls
	Spent       int64   `json:"spent"`        // tasks whose attempts were all refused, since the beginning of the scene

	perSecond float64
}

func (f *tokensFleet) use(from, to time.Duration) tokensUse {
	calls := f.provider.between(from, to)
	u := tokensUse{Calls: len(calls), Refused: len(calls) - accepted(calls)}
	for _, c := range calls {
		if c.ok {
			u.Tokens += c.output
		}
	}
	u.perSecond = float64(u.Tokens) / (to - from).Seconds()
	u.Used = rounded(u.perSecond * 60 / tokensPerMinute)
	u.RefusedPart = rounded(float64(u.Refused) / max(1, float64(u.Calls)))
	return u
}

func (t *tokensScene) measure() *tokensReport {
	r := &tokensReport{Scene: sceneTokens, Replicas: t.Replicas, Seconds: t.end.Seconds(), From: rounded(t.warm.Seconds())}
	for i, into := range []*tokensUse{&r.Settled, &r.Unsettled} {
		*into = t.fleets[i].use(t.warm, t.end)
		into.Spent = t.fleets[i].spent
	}
	return r
}

// verdict returns an error if a mark was missed.
func (r *tokensReport) verdict() error {
	var missed []string
	if s := r.Settled; s.Used < markUsed {
		missed = append(missed, fmt.Sprintf("the fleet that settles used %.1f %% of the tokens, the mark is %.0f %%", 100*s.Used, 100*markUsed))
	}
	if s := r.Settled; s.RefusedPart > markTokensRefused {
		missed = append(missed, fmt.Sprintf("%.1f %% of the calls of the fleet that settles were refused, the mark is %.0f %%", 100*s.RefusedPart, 100*markTokensRefused))
	}
	return measured(missed)
}

// page returns the report as text.
func (r *tokensReport) page(sc screen) string {
	s, u := r.Settled, r.Unsettled
	both := cli.Table("", "SETTLED", "NOT SETTLED").
		Row("calls", fmt.Sprint(s.Calls), fmt.Sprint(u.Calls)).
		Row("calls refused", fmt.Sprint(s.Refused), fmt.Sprint(u.Refused)).
		Row("output tokens", fmt.Sprint(s.Tokens), fmt.Sprint(u.Tokens)).
		Row("of the limit", fmt.Sprintf("%.1f %%", 100*s.Used), fmt.Sprintf("%.1f %%", 100*u.Used))
	text := min(sc.width, textWidth)
	return paragraphs(sc.width, open(both),
		wrapped(fmt.Sprintf("Counted from %.1f s to %.1f s. The limit is %d tokens a minute. Estimates are %d times too high. "+
			"The marks for the fleet that settles: at least %.0f %% of the tokens used, and at most %.0f %% of the calls refused.",
			r.From, r.Seconds, tokensPerMinute, tokensOver, 100*markUsed, 100*markTokensRefused), text),
		wrapped(fmt.Sprintf("2 fleets of %s: the one that settles used %.1f %% of its tokens, and %.1f %% of its calls were refused; the other used %.1f %%. %s",
			counted(r.Replicas, "replica", "replicas"), 100*s.Used, 100*s.RefusedPart, 100*u.Used, marksSentence(r.verdict())), text))
}
