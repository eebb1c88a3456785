package tui

import (
	"slices"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// word returns a state of a bucket. A state that needs an operator is in capital letters, so that colour is not the only sign.
func word(s report.State) string {
	if calm(s) {
		return string(s)
	}
	return strings.ToUpper(string(s))
}

func bucketKind(s report.State) kind {
	switch s {
	case report.Paused, report.Held:
		return bad
	case report.Disputed, report.Follows:
		return odd
	case report.Waiting:
		return info
	case report.Busy:
		return good
	}
	return plain
}

// faulty reports whether "faults only" shows a bucket.
func faulty(b *report.Bucket) bool {
	return !calm(b.State) || b.RefusedPerS != nil && *b.RefusedPerS > 0
}

// bucketOf returns the bucket of a key of [bucketKey].
func bucketOf(key string) string {
	name, _, _ := strings.Cut(key, "\x00")
	return name
}

// bucketKey returns the key of a row of buckets. It has the limit because a bucket may have several limits.
func bucketKey(b *report.Bucket) string { return b.Name + "\x00" + b.Limit }

// stateWord returns a state of a replica. All states except up are in capital letters.
func stateWord(state string) string {
	if state == "up" {
		return state
	}
	return strings.ToUpper(state)
}

func stateKind(state string) kind {
	switch state {
	case "up":
		return good
	case "lost":
		return bad
	}
	return odd
}

// stateRank returns the place of a replica's state, 0 for the most urgent.
func stateRank(state string) int {
	switch state {
	case "lost":
		return 0
	case "unknown":
		return 1
	case "draining":
		return 2
	}
	return 3
}

// warnings returns the conditions that need an operator, most important first.
func warnings(r *report.Report) []string {
	out := r.Warnings
	if r.Partial {
		out = append(slices.Clip(out), "some records of replicas could not be read or are incomplete")
	}
	return out
}
