package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

type whyCmd struct {
	Buckets []string `arg:"" placeholder:"BUCKET" help:"Buckets that the call passes, narrowest first, as its route names them."`

	common
}

// Run reads once and prints why a call would wait that came now.
func (c *whyCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.once(ctx, s, func(ctx context.Context, rdb *redis.Client, _ string) (printer, error) {
		p, err := limiter.ReadPosition(ctx, rdb, c.Namespace, c.Buckets...)
		if err != nil && !errors.Is(err, limiter.ErrUnavailable) {
			err = &cli.Error{Status: cli.Usage, Err: err}
		}
		return newWhy(c.Namespace, c.Buckets, p), err
	})
}

// why is what holds a call back. Durations are whole milliseconds; what is unknown is null.
type why struct {
	Schema    string    `json:"schema"`
	Namespace string    `json:"namespace"`
	Buckets   []string  `json:"buckets"`
	WaitMS    *int64    `json:"wait_ms"` // 0 where the call could start at once, null where somebody has to resume the bucket first
	Bucket    *string   `json:"bucket"`  // that sets the time; null where none does
	Limit     *string   `json:"limit"`
	Reasons   []reason  `json:"reasons"`
	Line      []waiting `json:"line"` // oldest first
}

type reason struct {
	Kind  string     `json:"kind"`
	ForMS *int64     `json:"for_ms"` // null where it is not known, or until somebody resumes the bucket
	By    *string    `json:"by"`
	At    *time.Time `json:"at"`
	Rate  *float64   `json:"rate"`
}

type waiting struct {
	Replica string `json:"replica"` // "" for one that is gone
	Route   string `json:"route"`
	Urgent  bool   `json:"urgent"`
	Tokens  int64  `json:"tokens"`
	WaitMS  *int64 `json:"wait_ms"` // until its first caller is expected to start; null as above
}

// whySchema names the form of the JSON; within it fields are only ever added.
const whySchema = "weir.inspect.why/v1"

func newWhy(namespace string, buckets []string, p limiter.Position) why {
	w := why{Schema: whySchema, Namespace: namespace, Buckets: buckets, WaitMS: waits(p.In), Reasons: []reason{}, Line: []waiting{}}
	if p.Bucket != "" {
		limit := p.Limit.String()
		w.Bucket, w.Limit = &p.Bucket, &limit
	}
	for _, r := range p.Why {
		out := reason{Kind: string(r.Kind)}
		if ms := r.For.Milliseconds(); r.For > 0 && r.For != limiter.UntilResumed {
			out.ForMS = &ms
		}
		if r.By != "" {
			out.By, out.At = &r.By, &r.At
		}
		if r.Rate > 0 {
			out.Rate = &r.Rate
		}
		w.Reasons = append(w.Reasons, out)
	}
	for _, l := range p.Line {
		w.Line = append(w.Line, waiting{l.Replica, l.Route, l.Urgent, l.Tokens, waits(l.In)})
	}
	return w
}

// waits is a wait in milliseconds, nil for one without end.
func waits(d time.Duration) *int64 {
	if d == limiter.UntilResumed {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}

// inWords is when something starts that has to wait so long.
func inWords(ms *int64) string {
	if ms == nil {
		return "when resumed"
	}
	return "in " + seconds(*ms)
}

// sentence is a reason in words.
func (r reason) sentence() string {
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
			return fmt.Sprintf("a provider asked %s at %s to wait: it is shut%s", short(*r.By), r.At.UTC().Format(time.TimeOnly+" MST"), lasts)
		}
		return "a provider asked to wait, or calls are reserved far ahead: it is shut" + lasts
	case limiter.Follows:
		return fmt.Sprintf("it follows its provider, which has refused calls or says that little is left: calls start at %.3g a second", *r.Rate)
	case limiter.Disputed:
		return "replicas disagree, and the smallest limit is in force: inspect says who wants what"
	case limiter.Forgotten:
		return "Redis has forgotten it: it began empty and in debt" + lasts
	case limiter.Recovering:
		return "Redis has forgotten it: what replicas remember is collected" + lasts
	}
	return r.Kind
}

func seconds(ms int64) string {
	if ms < 60_000 {
		return fmt.Sprintf("%.2f s", float64(ms)/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

// print writes the answer for a person.
func (w why) print(out io.Writer) error {
	passes := strings.Join(w.Buckets, ", then ")
	if w.Bucket == nil {
		_, err := fmt.Fprintf(out, "A call that passes %s could start at once.\n", passes)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "A call that passes %s and came now would start %s.\nBucket %s (%s) sets that time", passes, inWords(w.WaitMS), *w.Bucket, *w.Limit)
	switch {
	case len(w.Reasons) == 0 && len(w.Line) == 0:
		b.WriteString(": its tokens are used.\n")
	case len(w.Reasons) == 0:
		b.WriteString(": those in line come first.\n")
	default:
		b.WriteString(".\n")
	}
	for _, r := range w.Reasons {
		b.WriteString("  - " + r.sentence() + "\n")
	}
	if len(w.Line) > 0 {
		line := cli.Table("IN LINE", "ROUTE", "TOKENS", "FIRST STARTS")
		for _, l := range w.Line {
			who, route := short(l.Replica), l.Route
			if who == "" {
				who = "(gone)"
			}
			if l.Urgent {
				route += " (urgent)"
			}
			line.Row(who, route, strconv.FormatInt(l.Tokens, 10), inWords(l.WaitMS))
		}
		b.WriteString(line.String() + "\n")
	}
	_, err := lipgloss.Fprint(out, b.String())
	return err
}
