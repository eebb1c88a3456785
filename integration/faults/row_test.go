package faults

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// played judges a log and reports that were made by hand.
func played(log Log, marks []Mark, reports ...outcome.Report) *Played {
	w := &World{Config: Config{}.filled(), Provider: &Provider{log: log}, to: 10 * time.Second, until: 10 * time.Second}
	for _, r := range reports {
		w.Fleet = append(w.Fleet, &Replica{Name: r.Replica, last: r})
	}
	r := Row{Number: 99, Marks: marks, Play: func(context.Context, *World) error { return nil }}
	p := w.judge(r)
	for _, m := range r.all() {
		if !m.Holds(p) {
			p.Failed = append(p.Failed, m.Bound)
		}
	}
	return p
}

// steadyCalls returns the calls of a replica r: a burst of 4, and then 34 a second for 10 s.
func steadyCalls() Log {
	l := at(0, 0, 0, 0)
	for i := range 340 {
		a := at(0)[0]
		a.At, a.Task = time.Duration(i+1)*time.Second/34, a.Task+"-"+string(rune('a'+i))
		l = append(l, a)
	}
	return l
}

// TestMarksNotice: a good log reaches all marks. Each kind of bad log fails the marks that are about it, and no others.
func TestMarksNotice(t *testing.T) {
	marks := []Mark{law(), fortyInASecond(), usedAtLeast(0.97), silenceAtMost(1250 * time.Millisecond), noneFailed()}
	good := outcome.Report{Event: "ended", Replica: "r", Accepted: 344, OK: 344, ScriptCalls: 100}
	for name, row := range map[string]struct {
		log    func(Log) Log
		report func(*outcome.Report)
		want   []string
	}{
		"good": {},
		"three calls too many": {log: func(l Log) Log {
			for _, task := range []string{"x", "y", "z"} {
				l = slices.Insert(l, 100, Arrival{At: l[99].At, Replica: "r", Task: task, Attempt: 1})
			}
			return l
		}, want: []string{"excess ≤ 1.7"}},
		"many in a second": {log: func(l Log) Log {
			for i := range 9 {
				l = slices.Insert(l, 100, Arrival{At: l[99].At, Replica: "r", Task: string(rune('A' + i)), Attempt: 1})
			}
			return l
		}, want: []string{"excess ≤ 1.7", "at most 40 in a second"}},
		"the same call twice": {log: func(l Log) Log {
			l[7].Task = l[6].Task
			return l
		}, want: []string{"twice 0"}},
		"a task without an outcome": {report: func(r *outcome.Report) { r.Accepted++ }, want: []string{"lost 0"}},
		"a call that did not arrive": {report: func(r *outcome.Report) {
			r.Accepted++
			r.OK++
		}, want: []string{"lost 0"}},
		"a task that failed": {report: func(r *outcome.Report) {
			r.OK--
			r.Failed++
		}, want: []string{"no task failed"}},
		"a silence": {log: func(l Log) Log { return slices.Delete(l, 100, 150) }, report: func(r *outcome.Report) {
			r.Accepted -= 50
			r.OK -= 50
		}, want: []string{"used ≥ 97 %", "silence ≤ 1250 ms"}},
		"a killed replica reports nothing": {report: func(r *outcome.Report) {
			r.Event = "report"
			r.Accepted += 10
		}},
	} {
		log, report := steadyCalls(), good
		if row.log != nil {
			log = row.log(log)
		}
		if row.report != nil {
			row.report(&report)
		}
		if p := played(log, marks, report); !slices.Equal(p.Failed, row.want) {
			t.Errorf("%s: the marks %v failed, want %v: %s", name, p.Failed, row.want, p.JSON())
		}
	}
	// No mark holds for a figure that was not measured.
	if p := played(steadyCalls(), []Mark{atMost("nothing", 1), atLeast("nothing", 0)}, good); len(p.Failed) != 2 {
		t.Errorf("only %v of two marks failed, want both: the figure was not measured", p.Failed)
	}
}

// TestLineIsAsPromised: the line has these names in this order. A figure that was not measured is null.
func TestLineIsAsPromised(t *testing.T) {
	p := played(steadyCalls(), nil, outcome.Report{Event: "ended", Replica: "r", Accepted: 344, OK: 344, ScriptCalls: 86})
	p.Line.Fault = "none"
	const want = `{"row":99,"fault":"none","excess":0,"max_1s":37,"used":1.009,"silence_ms":29,"lost":0,"twice":0,"calls_per_task":0.25}`
	if got := p.JSON(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	test := &Played{Line: Line{Row: 1, Fault: "f"}}
	const null = `{"row":1,"fault":"f","excess":null,"max_1s":null,"used":null,"silence_ms":null,"lost":null,"twice":null,"calls_per_task":null}`
	if got := test.JSON(); got != null {
		t.Errorf("got  %s\nwant %s", got, null)
	}
}
