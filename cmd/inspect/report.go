package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// schema names the form of the JSON; within it fields are only ever added.
const schema = "weir.inspect/v1"

// report is what inspect knows. Durations are whole milliseconds; what is unknown is null, never 0.
type report struct {
	Schema    string    `json:"schema"`
	At        time.Time `json:"at"` // Redis clock
	Namespace string    `json:"namespace"`
	Redis     string    `json:"redis"`
	Epoch     string    `json:"epoch"`   // of Redis' memory, "" where nobody has used the namespace
	Grants    int64     `json:"grants"`  // reservations handed out in it
	Version   int64     `json:"version"` // of the configuration in force
	Live      int       `json:"live"`    // limiters that have said lately that they live
	Buckets   []bucket  `json:"buckets"`
	Replicas  []replica `json:"replicas"`
}

type bucket struct {
	Name    string  `json:"name"`
	Tokens  float64 `json:"tokens"`
	Debt    float64 `json:"debt"`    // tokens promised ahead of refill
	Waiting float64 `json:"waiting"` // tokens that those in line wait for
	Rate    float64 `json:"rate"`    // tokens a second
	Burst   int64   `json:"burst"`
	Window  bool    `json:"window"` // at most burst in any stretch of burst ÷ rate
	Set     bool    `json:"set"`    // at run time, for the whole fleet
	Paused  bool    `json:"paused"`
	// PausedMS is how long it still is; null where it is not, or until somebody resumes it.
	PausedMS *int64 `json:"paused_ms"`
	// HeldBy is the replica whose provider asked for the pause, HeldSince when; null where somebody paused the bucket.
	HeldBy    *string    `json:"held_by"`
	HeldSince *time.Time `json:"held_since"`
	Served    float64    `json:"served"` // part of the rate at which calls start: the provider has refused more, or little is left
	Wishes    []wish     `json:"wishes"` // what replicas were configured with, where they disagree

	limit string // the rate in the words of a person
}

type wish struct {
	Limits   []string `json:"limits"`
	Replicas []string `json:"replicas"`
}

// note is what an operator should know of a bucket.
func (b bucket) note() string {
	var notes []string
	switch {
	case b.HeldBy != nil && b.PausedMS != nil:
		notes = append(notes, fmt.Sprintf("held for %.0f s, as a provider asked %s at %s", float64(*b.PausedMS)/1000, *b.HeldBy, b.HeldSince.UTC().Format(time.TimeOnly+" MST")))
	case b.PausedMS != nil:
		notes = append(notes, fmt.Sprintf("paused for %.0f s", float64(*b.PausedMS)/1000))
	case b.Paused:
		notes = append(notes, "paused")
	}
	if b.Served > 0 && b.Served < 1 {
		notes = append(notes, fmt.Sprintf("follows its provider: %.3g/s", b.Served*b.Rate))
	}
	if b.Set {
		notes = append(notes, "set at run time")
	}
	if len(b.Wishes) > 0 {
		var wants []string
		for _, w := range b.Wishes {
			wants = append(wants, fmt.Sprintf("%d want %s", len(w.Replicas), strings.Join(w.Limits, " and ")))
		}
		notes = append(notes, "replicas disagree: "+strings.Join(wants, ", "))
	}
	return strings.Join(notes, "; ")
}

type replica struct {
	ID             string `json:"id"`
	State          string `json:"state"` // up, draining or lost
	HeartbeatAgeMS int64  `json:"heartbeat_age_ms"`
	Host           string `json:"host"`
	PID            int    `json:"pid"`
	Addr           string `json:"addr"`
	Version        string `json:"version"`
	Slots          *int   `json:"slots"`
	Pending        *int   `json:"pending"`
	InFlight       *int   `json:"in_flight"`
	Done           *int64 `json:"done"`
	Failed         *int64 `json:"failed"`
	RedisCalls     *int64 `json:"redis_calls"`
}

func newReport(namespace, addr string, s limiter.Snapshot, seen []fleet.Seen) report {
	r := report{
		Schema: schema, At: s.At.UTC(), Namespace: namespace, Redis: addr, Epoch: s.Epoch, Grants: s.Grants,
		Version: s.Version, Live: s.Live,
		Buckets: []bucket{}, Replicas: []replica{},
	}
	for _, b := range s.Buckets {
		rate := strconv.FormatFloat(b.Limit.Rate(), 'g', 6, 64) + "/s"
		switch {
		case b.Limit.Window:
			rate = fmt.Sprintf("%d in any %v", b.Limit.Tokens, b.Limit.Per)
		case b.Limit.Rate() < 0.1:
			rate = fmt.Sprintf("%d per %v", b.Limit.Tokens, b.Limit.Per)
		}
		row := bucket{
			Name: b.Bucket, Tokens: round(b.Tokens), Debt: round(b.Debt), Waiting: round(b.Waiting),
			Rate: b.Limit.Rate(), Burst: b.Limit.Burst, Window: b.Limit.Window, Set: b.Set, Paused: b.PausedFor > 0,
			Served: b.Served, Wishes: []wish{}, limit: rate,
		}
		if b.HeldBy != "" {
			row.HeldBy, row.HeldSince = &b.HeldBy, &b.HeldSince
		}
		if ms := b.PausedFor.Milliseconds(); row.Paused && b.PausedFor != limiter.UntilResumed {
			row.PausedMS = &ms
		}
		for _, w := range b.Wanted {
			words := make([]string, len(w.Limits))
			for i, l := range w.Limits {
				words[i] = l.String()
			}
			row.Wishes = append(row.Wishes, wish{words, w.Replicas})
		}
		r.Buckets = append(r.Buckets, row)
	}
	for _, v := range seen {
		row := replica{
			ID: v.ID, State: "up", HeartbeatAgeMS: v.Age.Milliseconds(),
			Host: v.Host, PID: v.PID, Addr: v.Addr, Version: v.Version,
		}
		switch {
		case v.Lost:
			row.State = "lost"
		case v.Draining:
			row.State = "draining"
		}
		if v.Slots > 0 { // it has said something that is still there
			row.Slots, row.Pending, row.InFlight = &v.Slots, &v.Pending, &v.InFlight
			row.Done, row.Failed, row.RedisCalls = &v.Done, &v.Failed, &v.Calls
		}
		r.Replicas = append(r.Replicas, row)
	}
	return r
}

func round(tokens float64) float64 { return float64(int64(tokens*100+0.5)) / 100 }

// print writes the report for a person.
func (r report) print(out io.Writer) error {
	if r.Epoch == "" {
		_, err := fmt.Fprintf(out, "Nobody has used namespace %s on %s.\n", r.Namespace, r.Redis)
		return err
	}
	buckets := cli.Table("BUCKET", "TOKENS", "DEBT", "IN LINE", "RATE", "BURST", "NOTE")
	for _, b := range r.Buckets {
		buckets.Row(b.Name, fmt.Sprintf("%.1f", b.Tokens), fmt.Sprintf("%.1f", b.Debt), fmt.Sprintf("%.1f", b.Waiting),
			b.limit, strconv.FormatInt(b.Burst, 10), b.note())
	}
	replicas := cli.Table("REPLICA", "STATE", "PENDING", "IN FLIGHT", "DONE", "FAILED", "HEARTBEAT", "ADDRESS")
	for _, v := range r.Replicas {
		replicas.Row(short(v.ID), v.State, number(v.Pending), number(v.InFlight), number(v.Done), number(v.Failed),
			fmt.Sprintf("%.1f s ago", float64(v.HeartbeatAgeMS)/1000), v.Addr)
	}
	_, err := lipgloss.Fprintf(out, "Namespace %s on %s at %s (Redis clock): %d reservations in epoch %s.\n%s\n%s\n",
		r.Namespace, r.Redis, r.At.Format("15:04:05.000 MST"), r.Grants, short(r.Epoch), buckets, replicas)
	return err
}

// short is enough of an id to tell replicas apart.
func short(id string) string { return id[:min(8, len(id))] }

func number[T int | int64](n *T) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatInt(int64(*n), 10)
}
