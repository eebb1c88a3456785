package tui

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// event is a change in the fleet.
type event struct {
	at   time.Time // Redis clock
	who  string    // "replica x", "bucket y" or "redis"
	what string
	kind kind
}

// keptEvents is the maximum number of events that the view keeps.
const keptEvents = 200

// log adds events, oldest first. Events that this view has observed arrive in the order of their times. Events that operators recorded in Redis may
// be older: log inserts them by time, after events of the same time.
func (d *data) log(events ...event) {
	for _, e := range events {
		i := len(d.events)
		for i > 0 && d.events[i-1].at.After(e.at) {
			i--
		}
		// A new array, because the frozen data still uses the old one.
		next := make([]event, 0, len(d.events)+1)
		d.events = append(append(append(next, d.events[:i]...), e), d.events[i:]...)
	}
	if n := len(d.events); n > keptEvents {
		d.events = d.events[n-keptEvents:]
	}
}

// readEvents is how many events of operators a reading reads.
const readEvents = 20

// record adds those of the given events, newest first, that are newer than the last one it has added.
func (d *data) record(events []report.Event) {
	for i, e := range events {
		if e == d.acted {
			events = events[:i]
			break
		}
	}
	if len(events) == 0 {
		return
	}
	d.acted = events[0]
	for _, e := range slices.Backward(events) {
		d.log(event{e.At, e.Of, e.What + ", by " + e.By, plain})
	}
}

// meet remembers the replicas of a report, so that observed can tell a replica that is back from a new one.
func (d *data) meet(r *report.Report) {
	if d.met == nil || len(d.met) > 10_000 {
		d.met = map[string]bool{}
	}
	for _, v := range r.Replicas {
		d.met[v.ID] = true
	}
}

// observed returns the events between two reports. before is nil for the first report. met holds all replicas that the view has seen.
func observed(before, now *report.Report, met map[string]bool) (out []event) {
	add := func(k kind, who, format string, args ...any) {
		out = append(out, event{now.At, who, fmt.Sprintf(format, args...), k})
	}
	if before == nil {
		add(plain, "inspect", "starts: %d buckets, %d replicas", len(now.Buckets), len(now.Replicas))
		return out
	}
	if before.Epoch != now.Epoch {
		add(bad, "redis", "has lost its data: epoch %s, was %s", report.Short(orDash(now.Epoch)), report.Short(orDash(before.Epoch)))
	}
	former := make(map[string]string, len(before.Replicas))
	for _, v := range before.Replicas {
		former[v.ID] = v.State
	}
	for _, v := range now.Replicas {
		was, known := former[v.ID]
		delete(former, v.ID)
		who := "replica " + report.Short(v.ID)
		switch {
		case known && was == v.State:
		case v.State == "lost":
			add(bad, who, "LOST: silent for %s%s", report.MS(&v.HeartbeatAgeMS), host(v))
		case !known && met[v.ID] || was == "lost":
			add(stateKind(v.State), who, "is back, %s%s", v.State, host(v))
		case !known:
			add(stateKind(v.State), who, "appeared, %s%s", v.State, host(v))
		default:
			add(stateKind(v.State), who, "%s, was %s", v.State, was)
		}
	}
	for _, v := range before.Replicas { // in the order of names
		if was, gone := former[v.ID]; gone && was == "lost" {
			add(plain, "replica "+report.Short(v.ID), "is forgotten: it was lost")
		} else if gone {
			add(plain, "replica "+report.Short(v.ID), "has gone, was %s", was)
		}
	}
	return append(out, bucketEvents(before, now)...)
}

// bucketEvents returns the changes of state that an operator asks about later. Changes between ok, busy and waiting are left out, because they happen
// every few seconds.
func bucketEvents(before, now *report.Report) (out []event) {
	was := make(map[string]report.State, len(before.Buckets))
	for i := range before.Buckets {
		was[bucketKey(&before.Buckets[i])] = before.Buckets[i].State
	}
	for i := range now.Buckets {
		b := &now.Buckets[i]
		former, known := was[bucketKey(b)]
		if !known || former == b.State || calm(former) && calm(b.State) {
			continue
		}
		what := fmt.Sprintf("%s, was %s", word(b.State), word(former))
		if note := b.Note(); note != "" {
			what += ": " + note
		}
		out = append(out, event{now.At, "bucket " + b.Name, what, bucketKind(b.State)})
	}
	return out
}

// calm reports whether a state changes with normal traffic.
func calm(s report.State) bool { return s == report.OK || s == report.Busy || s == report.Waiting }

func host(v report.Replica) string {
	if v.Host == "" {
		return ""
	}
	return " on " + v.Host
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
