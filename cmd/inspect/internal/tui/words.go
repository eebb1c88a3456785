package tui

import (
	"slices"
	"strings"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// word is a state of a bucket: in capital letters where it needs an operator, so that colour is not the only sign.
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

// faulty reports whether a bucket is one that "faults only" leaves.
func faulty(b *report.Bucket) bool {
	return !calm(b.State) || b.RefusedPerS != nil && *b.RefusedPerS > 0
}

// bucketOf is the name in a key of a row of buckets.
func bucketOf(key string) string {
	name, _, _ := strings.Cut(key, "\x00")
	return name
}

// bucketKey tells limits of buckets apart: a bucket may have several.
func bucketKey(b *report.Bucket) string { return b.Name + "\x00" + b.Limit }

// stateWord is a state of a replica.
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

// stateRank is the place of a replica's state, from the one that needs most attention on.
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

// warnings are what needs an operator, most important first.
func warnings(r *report.Report) []string {
	out := r.Warnings
	if r.Partial {
		out = append(slices.Clip(out), "some records of replicas could not be read, or left something out")
	}
	return out
}
