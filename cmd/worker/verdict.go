package main

import (
	"fmt"
	"strings"
	"time"
)

// verdict holds the figures for the one sentence about a run, which may have ended early.
type verdict struct {
	how      string // why the run ended early, such as "Interrupted"; "" if it did not
	replicas int
	calls    int64
	took     time.Duration
	rate     float64
	burst    int64
	refused  int64
	lost     int64
	failed   int // analyses
}

func (v verdict) sentence() string {
	var b strings.Builder
	if v.how != "" {
		b.WriteString(v.how + ": ")
	}
	fmt.Fprintf(&b, "%s made %s in %.1f s", counted(v.replicas, "replica", "replicas"), counted(int(v.calls), "call", "calls"), v.took.Seconds())
	if v.took > 0 {
		fmt.Fprintf(&b, ": %.1f a second (rate %.4g, burst %d)", float64(v.calls)/v.took.Seconds(), v.rate, v.burst)
	}
	fmt.Fprintf(&b, ", the providers refused %d", v.refused)
	if v.failed > 0 {
		fmt.Fprintf(&b, ", %s failed", counted(v.failed, "analysis", "analyses"))
	}
	switch {
	case v.lost > 0:
		fmt.Fprintf(&b, ", %s lost", counted(int(v.lost), "result was", "results were"))
	case v.how == "" && v.failed == 0:
		b.WriteString(", no result was lost")
	}
	return b.String() + "."
}
