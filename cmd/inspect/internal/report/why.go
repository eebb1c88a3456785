package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Why says when a call made now could start, and what delays it. Durations are whole milliseconds. An unknown value is null.
type Why struct {
	Schema    string   `json:"schema"`
	Namespace string   `json:"namespace"`
	Buckets   []string `json:"buckets"`
	Shadowed  []string `json:"shadowed"` // the buckets in shadow mode among Buckets; they delay nobody
	WaitMS    *int64   `json:"wait_ms"`  // 0 if the call could start at once; null if somebody has to resume the bucket first
	Bucket    *string  `json:"bucket"`   // the bucket that sets WaitMS; null if the call could start at once
	Limit     *string  `json:"limit"`
	Reasons   []Reason `json:"reasons"`
	Line      []InLine `json:"line"` // oldest first

	// The fields below describe Bucket, as replicas have published it. They are null if that is unknown.
	UsedPerS    *float64 `json:"used_per_s"`    // tokens of calls that started, in the last ten seconds
	RefusedPerS *float64 `json:"refused_per_s"` // calls that the provider refused
	Largest     *Share   `json:"largest"`       // the replica that uses most tokens
	Wishes      []Wish   `json:"wishes"`        // the limits that replicas are configured with, if they disagree
}

// Reason is one condition that delays the calls of a bucket.
type Reason struct {
	Kind  string     `json:"kind"`
	ForMS *int64     `json:"for_ms"` // null if unknown, or until somebody resumes the bucket
	By    *string    `json:"by"`
	At    *time.Time `json:"at"`
	Rate  *float64   `json:"rate"`
}

// InLine is the callers of one route in one replica.
type InLine struct {
	Replica string `json:"replica"` // "" if the replica is gone
	Route   string `json:"route"`
	Urgent  bool   `json:"urgent"`
	Tokens  int64  `json:"tokens"`
	WaitMS  *int64 `json:"wait_ms"` // until its first caller is expected to start; null until somebody resumes the bucket
}

// WhySchema names the version of the JSON form. Within a version fields are added, never removed or changed.
const WhySchema = "weir.inspect.why/v1"

// NewWhy returns a position of the limiter in the words of an operator.
func NewWhy(namespace string, buckets []string, p limiter.Position) *Why {
	w := &Why{Schema: WhySchema, Namespace: Clean(namespace), Buckets: cleaned(buckets), WaitMS: waits(p.In), Reasons: []Reason{}, Line: []InLine{}, Wishes: []Wish{}, Shadowed: []string{}}
	if p.Bucket != "" {
		limit := p.Limit.String()
		bucket := Clean(p.Bucket)
		w.Bucket, w.Limit = &bucket, &limit
	}
	for _, r := range p.Why {
		out := Reason{Kind: string(r.Kind)}
		if ms := r.For.Milliseconds(); r.For > 0 && r.For != limiter.UntilResumed {
			out.ForMS = &ms
		}
		if r.By != "" {
			by := Clean(r.By)
			out.By, out.At = &by, &r.At
		}
		if r.Rate > 0 {
			out.Rate = &r.Rate
		}
		w.Reasons = append(w.Reasons, out)
	}
	for _, l := range p.Line {
		w.Line = append(w.Line, InLine{Clean(l.Replica), Clean(l.Route), l.Urgent, l.Tokens, waits(l.In)})
	}
	return w
}

// Add adds the use of the bucket that sets the time, from a report of the same moment.
func (w *Why) Add(r *Report) {
	for _, name := range w.Buckets {
		if b := r.Find(name); b != nil && b.Shadowed {
			w.Shadowed = append(w.Shadowed, name)
		}
	}
	if w.Bucket == nil {
		return
	}
	b := r.Find(*w.Bucket)
	if b == nil {
		return
	}
	w.UsedPerS, w.RefusedPerS, w.Wishes = b.UsedPerS, b.RefusedPerS, b.Wishes
	if len(b.Shares) > 0 && b.Shares[0].UsedPerS > 0 {
		w.Largest = &b.Shares[0]
	}
}

// use returns sentences about the use of the bucket: they show whether the fleet's budget or the provider delays calls, and which replica uses most.
func (w *Why) use() (out []string) {
	for _, name := range w.Shadowed {
		out = append(out, fmt.Sprintf("Bucket %s is in shadow mode and delays nobody.", name))
	}
	if w.UsedPerS == nil {
		return out
	}
	provider := "its provider refuses no calls"
	if *w.RefusedPerS > 0 {
		provider = fmt.Sprintf("its provider refuses %.1f calls a second", *w.RefusedPerS)
	}
	out = append(out, fmt.Sprintf("The fleet uses %.1f tokens a second of bucket %s; %s.", *w.UsedPerS, *w.Bucket, provider))
	if w.Largest != nil && *w.UsedPerS > 0 {
		out = append(out, fmt.Sprintf("Replica %s uses most of them, %.0f %%.", Short(w.Largest.Replica), 100*w.Largest.UsedPerS / *w.UsedPerS))
	}
	for _, wish := range w.Wishes {
		names := make([]string, len(wish.Replicas))
		for i, r := range wish.Replicas {
			names[i] = Short(r)
		}
		out = append(out, fmt.Sprintf("Limit %s: configured on %s.", strings.Join(wish.Limits, " and "), strings.Join(names, ", ")))
	}
	return out
}

// waits returns a wait in milliseconds, nil if it lasts until somebody resumes the bucket.
func waits(d time.Duration) *int64 {
	if d == limiter.UntilResumed {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

// InWords says when a call starts that waits so many milliseconds.
func InWords(ms *int64) string {
	if ms == nil {
		return "when resumed"
	}
	return "in " + seconds(*ms)
}

// Sentence returns a reason as a sentence.
func (r Reason) Sentence() string {
	lasts := ""
	if r.ForMS != nil {
		lasts = fmt.Sprintf(" for another %s", seconds(*r.ForMS))
	}
	switch limiter.ReasonKind(r.Kind) {
	case limiter.Paused:
		if lasts == "" {
			lasts = " until somebody resumes it"
		}
		return "it is paused" + lasts
	case limiter.Held:
		if r.By != nil {
			return fmt.Sprintf("a provider asked %s at %s to wait; it is shut%s", Short(*r.By), r.At.UTC().Format(time.TimeOnly+" MST"), lasts)
		}
		return "a provider asked to wait, or calls are reserved far ahead; it is shut" + lasts
	case limiter.Follows:
		return fmt.Sprintf("its provider has refused calls or reports that little is left; calls start at %.3g a second", *r.Rate)
	case limiter.Disputed:
		return "replicas disagree about the limit; the smallest limit is in force"
	case limiter.Forgotten:
		return "Redis has lost its data; the bucket began empty, and stays in debt" + lasts
	case limiter.Recovering:
		return "Redis has lost its data; the levels that replicas remember are collected" + lasts
	case limiter.Alone:
		return "Redis is away; the replica continues with its share of the limit" + lasts
	}
	return r.Kind
}

func seconds(ms int64) string {
	if ms < 60_000 {
		return fmt.Sprintf("%.2f s", float64(ms)/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

// Sentences returns the sentences of the answer: when a call made now would start, and why.
func (w *Why) Sentences() []string {
	passes := strings.Join(w.Buckets, ", then ")
	if w.Bucket == nil {
		return append([]string{fmt.Sprintf("A call that passes %s could start at once.", passes)}, w.use()...)
	}
	sets := fmt.Sprintf("Bucket %s (%s) sets that time", *w.Bucket, *w.Limit)
	switch {
	case len(w.Reasons) == 0 && len(w.Line) == 0:
		sets += ": its tokens are used."
	case len(w.Reasons) == 0:
		sets += ": earlier callers wait in line."
	default:
		sets += "."
	}
	out := []string{fmt.Sprintf("A call that passes %s would start %s if it came now.", passes, InWords(w.WaitMS)), sets}
	for _, r := range w.Reasons {
		out = append(out, "  - "+r.Sentence())
	}
	return append(out, w.use()...)
}
