package main

import (
	"math"
	"testing"
	"time"

	"github.com/weir-go/weir/bench/measure"
)

// TestJudge judges three waiters of 2 a second with a burst of 2: one is served all the time, one is served late, one
// never.
func TestJudge(t *testing.T) {
	const second = time.Second
	diaries := []diary{
		{starts: []time.Duration{0, second, 2 * second, 3 * second}, waits: []time.Duration{0, second, second, second}, asked: 3 * second},
		{starts: []time.Duration{0, 5 * second / 2}, waits: []time.Duration{0, 5 * second / 2}, asked: 5 * second / 2},
		{asked: 0},
	}
	sh := shape{replicas: 3, waiters: 1, rate: 2, burst: 2}
	cost := measure.Cost{Process: 40 * time.Millisecond, Server: 8 * time.Millisecond}
	got := judge(sh, diaries, window{second, 4 * second}, cost, 6)
	for name, want := range map[string]float64{
		"use":             4.0 / 6,
		"worst 1 s":       1, // 2 and 2.5
		"over, no slack":  0, // the two at the beginning
		"over the law":    0, // the slack of 0.1 calls is less than a call
		"calls/token":     1.5,
		"Jain":            16.0 / (3 * 10),
		"± mean":          5.0 / 3,
		"got nothing":     1,
		"longest ÷ med":   4, // the third, at the end of the window
		"client µs/token": 10_000,
		"Redis µs/token":  2_000,
	} {
		if math.Abs(got[name]-want) > 1e-9 {
			t.Errorf("%s %v, want %v", name, got[name], want)
		}
	}
	for _, c := range sharing() {
		if _, ok := got[c.name]; !ok {
			t.Errorf("the table has a column %q that nobody computes", c.name)
		}
	}
	if len(got) != len(sharing()) {
		t.Errorf("%d numbers for %d columns", len(got), len(sharing()))
	}
}

// TestJudgeNothing: a run without a start has no cost for each.
func TestJudgeNothing(t *testing.T) {
	got := judge(shape{rate: 2, burst: 2}, make([]diary, 2), window{0, time.Second}, measure.Cost{Process: time.Second}, 5)
	if got["use"] != 0 || got["got nothing"] != 2 || !math.IsNaN(got["calls/token"]) || !math.IsNaN(got["client µs/token"]) {
		t.Errorf("%v", got)
	}
}

// TestImpatience: every contestant meets the same waiters, every round others.
func TestImpatience(t *testing.T) {
	sh := shape{patience: 2 * time.Second}
	if (shape{}).impatience(0, 0) != nil {
		t.Error("who does not give up needs no patience")
	}
	a, b, other := sh.impatience(1, 2), sh.impatience(1, 2), sh.impatience(2, 2)
	differ := false
	for range 10 {
		x := a()
		if x < 0 || x >= sh.patience {
			t.Errorf("patience of %v", x)
		}
		if y := b(); x != y {
			t.Errorf("%v and %v in the same place", x, y)
		}
		differ = differ || x != other()
	}
	if !differ {
		t.Error("two rounds are the same")
	}
}
