package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Why is what holds a call back. Durations are whole milliseconds; what is unknown is null.
type Why struct {
	Schema    string   `json:"schema"`
	Namespace string   `json:"namespace"`
	Buckets   []string `json:"buckets"`
	Shadowed  []string `json:"shadowed"` // of these, the ones in shadow mode, which delay nobody
	WaitMS    *int64   `json:"wait_ms"`  // 0 where the call could start at once, null where somebody has to resume the bucket first
	Bucket    *string  `json:"bucket"`   // that sets the time; null where none does
	Limit     *string  `json:"limit"`
	Reasons   []Reason `json:"reasons"`
	Line      []InLine `json:"line"` // oldest first

	// Of the bucket that sets the time, as replicas have published it; null where that is not known.
	UsedPerS    *float64 `json:"used_per_s"`    // tokens of calls that started, in the last ten seconds
	RefusedPerS *float64 `json:"refused_per_s"` // calls that the provider refused
	Largest     *Share   `json:"largest"`       // of the replica that takes most
	Wishes      []Wish   `json:"wishes"`        // what replicas were configured with, where they disagree
}

// Reason is something that holds a bucket back.
type Reason struct {
	Kind  string     `json:"kind"`
	ForMS *int64     `json:"for_ms"` // null where it is not known, or until somebody resumes the bucket
	By    *string    `json:"by"`
	At    *time.Time `json:"at"`
	Rate  *float64   `json:"rate"`
}

// InLine is the callers of one route in one replica.
type InLine struct {
	Replica string `json:"replica"` // "" for one that is gone
	Route   string `json:"route"`
	Urgent  bool   `json:"urgent"`
	Tokens  int64  `json:"tokens"`
	WaitMS  *int64 `json:"wait_ms"` // until its first caller is expected to start; null as above
}

// WhySchema names the form of the JSON; within it fields are only ever added.
const WhySchema = "weir.inspect.why/v1"

// NewWhy is a position in the words of an operator.
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

// Add adds what a report of the same moment knows of the bucket that sets the time.
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

// use says whether it is the fleet's own budget that holds calls back, or the provider, and who takes most.
func (w *Why) use() (out []string) {
	for _, name := range w.Shadowed {
		out = append(out, fmt.Sprintf("Bucket %s is in shadow mode and delays nobody.", name))
	}
	if w.UsedPerS == nil {
		return out
	}
	provider := "the provider refuses none"
	if *w.RefusedPerS > 0 {
		provider = fmt.Sprintf("the provider refuses %.1f calls a second", *w.RefusedPerS)
	}
	out = append(out, fmt.Sprintf("The fleet uses %.1f tokens a second of it; %s.", *w.UsedPerS, provider))
	if w.Largest != nil && *w.UsedPerS > 0 {
		out = append(out, fmt.Sprintf("Replica %s takes most, %.0f %%.", Short(w.Largest.Replica), 100*w.Largest.UsedPerS / *w.UsedPerS))
	}
	for _, wish := range w.Wishes {
		names := make([]string, len(wish.Replicas))
		for i, r := range wish.Replicas {
			names[i] = Short(r)
		}
		out = append(out, fmt.Sprintf("%s: wanted by %s.", strings.Join(wish.Limits, " and "), strings.Join(names, ", ")))
	}
	return out
}

// waits is a wait in milliseconds, nil for one without end.
func waits(d time.Duration) *int64 {
	if d == limiter.UntilResumed {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

// InWords is when something starts that has to wait so long.
func InWords(ms *int64) string {
	if ms == nil {
		return "when resumed"
	}
	return "in " + seconds(*ms)
}

// Sentence is a reason in words.
func (r Reason) Sentence() string {
	lasts := ""
	if r.ForMS != nil {
		lasts = fmt.Sprintf(" for %s", seconds(*r.ForMS))
	}
	switch limiter.ReasonKind(r.Kind) {
	case limiter.Paused:
		if lasts == "" {
			lasts = " until somebody resumes it"
		}
		return "somebody has paused it" + lasts
	case limiter.Held:
		if r.By != nil {
			return fmt.Sprintf("a provider asked %s at %s to wait: it is shut%s", Short(*r.By), r.At.UTC().Format(time.TimeOnly+" MST"), lasts)
		}
		return "a provider asked to wait, or calls are reserved far ahead: it is shut" + lasts
	case limiter.Follows:
		return fmt.Sprintf("it follows its provider, which has refused calls or says that little is left: calls start at %.3g a second", *r.Rate)
	case limiter.Disputed:
		return "replicas disagree, and the smallest limit is in force"
	case limiter.Forgotten:
		return "Redis has forgotten it: it began empty and in debt" + lasts
	case limiter.Recovering:
		return "Redis has forgotten it: what replicas remember is collected" + lasts
	case limiter.Alone:
		return "Redis is away, and the replica goes on with its share" + lasts
	}
	return r.Kind
}

func seconds(ms int64) string {
	if ms < 60_000 {
		return fmt.Sprintf("%.2f s", float64(ms)/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

// Sentences say when a call would start that came now, and why, one a line.
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
		sets += ": those in line come first."
	default:
		sets += "."
	}
	out := []string{fmt.Sprintf("A call that passes %s and came now would start %s.", passes, InWords(w.WaitMS)), sets}
	for _, r := range w.Reasons {
		out = append(out, "  - "+r.Sentence())
	}
	return append(out, w.use()...)
}
