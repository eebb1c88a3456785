package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// The marks of the scene. They are set for thirty seconds.
const (
	markRefused = 0.10             // of all calls, at most
	markPart    = 0.9              // of the configured rate has to be accepted again
	markFound   = 10 * time.Second // after the limit came back
)

// throttledReport is the result of the scene, as --json prints it.
type throttledReport struct {
	Scene       string  `json:"scene"`
	Replicas    int     `json:"replicas"`
	Seconds     float64 `json:"seconds"`
	Calls       int     `json:"calls"`
	Refused     int     `json:"refused"`
	RefusedPart float64 `json:"refused_part"` // of the calls
	Spent       int64   `json:"spent"`        // tasks whose attempts were all refused
	// Found is the time in s after which the fleet used the returned limit again: until the end of the first second in which nine tenths of the
	// limit were accepted. It is null if there was no such second.
	Found *float64         `json:"found"`
	Hold  throttledHold    `json:"hold"`
	Parts []throttledPhase `json:"parts"`

	scene *throttledScene
}

// throttledHold is the reaction of the fleet to the pause. All fields are 0 if no call arrived during the pause.
type throttledHold struct {
	Asked   float64  `json:"asked"`   // retry-after of the first refusal, s
	Refused int      `json:"refused"` // calls from that refusal until the end of the pause
	Next    *float64 `json:"next"`    // s from that refusal to the next accepted call, null if there was none
}

// throttledPhase is one part of the scene: its times in s, and its calls in calls a second.
type throttledPhase struct {
	Limit    string  `json:"limit"`
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	Asked    float64 `json:"asked"`
	Accepted float64 `json:"accepted"`
	Refused  float64 `json:"refused"`
}

func (t *throttledScene) measure() *throttledReport {
	all := t.provider.between(0, t.end)
	r := &throttledReport{Scene: sceneThrottled, Replicas: t.Replicas, Seconds: t.end.Seconds(), Calls: len(all), Spent: t.spent, scene: t}
	r.Refused = r.Calls - accepted(all)
	r.RefusedPart = rounded(float64(r.Refused) / max(1, float64(r.Calls)))
	usual, low := fmt.Sprintf("%.4g a second", t.limit().Rate()), fmt.Sprintf("%.4g a second", t.low().Rate)
	for _, p := range []struct {
		limit    string
		from, to time.Duration
	}{{usual, 0, t.falls}, {low, t.falls, t.back}, {usual, t.back, t.pauses}, {"none, a pause", t.pauses, t.pauses + t.pause}, {usual, t.pauses + t.pause, t.end}} {
		calls, length := t.provider.between(p.from, p.to), (p.to - p.from).Seconds()
		n := accepted(calls)
		r.Parts = append(r.Parts, throttledPhase{
			p.limit, rounded(p.from.Seconds()), rounded(p.to.Seconds()),
			rounded(float64(len(calls)) / length), rounded(float64(n) / length), rounded(float64(len(calls)-n) / length),
		})
	}
	r.Found = seconds(t.found())
	for i, c := range all {
		if c.ok || c.after == 0 {
			continue
		}
		until := c.at + c.after
		r.Hold = throttledHold{Asked: rounded(c.after.Seconds())}
		for _, c := range all[i:] {
			if !c.ok && c.at < until {
				r.Hold.Refused++
			}
			if c.ok {
				r.Hold.Next = seconds(c.at-all[i].at, true)
				break
			}
		}
		break
	}
	return r
}

// found returns the time from the return of the limit to the end of the first second in which nine tenths of the limit were accepted. It returns
// false if there was no such second.
func (t *throttledScene) found() (time.Duration, bool) {
	for at := t.back; at+time.Second <= t.pauses; at += 100 * time.Millisecond {
		if float64(accepted(t.provider.between(at, at+time.Second))) >= markPart*t.limit().Rate() {
			return at + time.Second - t.back, true
		}
	}
	return 0, false
}

func seconds(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	s := rounded(d.Seconds())
	return &s
}

func rounded(v float64) float64 { return math.Round(v*10_000) / 10_000 }

// verdict returns an error if a mark was missed.
func (r *throttledReport) verdict() error {
	var missed []string
	if r.RefusedPart > markRefused {
		missed = append(missed, fmt.Sprintf("%.1f %% of the calls were refused, the mark is %.0f %%", 100*r.RefusedPart, 100*markRefused))
	}
	if r.Found == nil || *r.Found > markFound.Seconds() {
		missed = append(missed, fmt.Sprintf("%s, the mark is %v", r.foundText(), markFound))
	}
	return measured(missed)
}

func (r *throttledReport) foundText() string {
	rate := markPart * r.scene.limit().Rate()
	if r.Found == nil {
		return fmt.Sprintf("%.4g calls a second were not accepted again", rate)
	}
	return fmt.Sprintf("%.4g calls a second were accepted again after %.1f s", rate, *r.Found)
}

// page returns the report as text.
func (r *throttledReport) page(sc screen) string {
	parts := cli.Table("THE PROVIDER ALLOWS", "FROM", "TO", "ASKED/S", "ACCEPTED/S", "REFUSED/S")
	for _, p := range r.Parts {
		parts.Row(p.Limit, fmt.Sprintf("%.1f s", p.From), fmt.Sprintf("%.1f s", p.To),
			fmt.Sprintf("%.1f", p.Asked), fmt.Sprintf("%.1f", p.Accepted), fmt.Sprintf("%.1f", p.Refused))
	}
	hold := "No call arrived during the pause."
	if r.Hold.Asked > 0 {
		next := "no later call was accepted"
		if r.Hold.Next != nil {
			next = fmt.Sprintf("the next accepted call arrived %.2f s after the first of them", *r.Hold.Next)
		}
		hold = fmt.Sprintf("During the pause, the provider asked %s to wait, the first of them %.2f s; %s.", counted(r.Hold.Refused, "call", "calls"), r.Hold.Asked, next)
	}
	text := min(sc.width, textWidth)
	return paragraphs(sc.width, open(parts),
		wrapped(fmt.Sprintf("Of the calls %.1f %% were refused (mark: %.0f %% at most). When the limit came back, %s (mark: %v). %s",
			100*r.RefusedPart, 100*markRefused, r.foundText(), markFound, hold), text),
		strings.Split(plot(r.scene.provider.per100ms(r.scene.end), plotSize{budget: r.scene.limit().Rate() / 10, width: sc.width - 1, panels: sc.panels(1)}), "\n"),
		wrapped(fmt.Sprintf("%s made %s in %.1f s, the provider refused %d, %s. %s", counted(r.Replicas, "replica", "replicas"), counted(r.Calls, "call", "calls"), r.Seconds,
			r.Refused, counted(int(r.Spent), "task gave up", "tasks gave up"), marksSentence(r.verdict())), text))
}
