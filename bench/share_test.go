package main

import (
	"math"
	"testing"
	"time"

	"github.com/weir-go/weir/bench/measure"
)

// TestJudge judges three waiters at 2 a second with a burst of 2. The first starts all the time, the second starts late, the third
// never starts.
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
		"over, no slack":  0, // the burst is the two starts at the beginning
		"over the law":    0, // the slack allows 0.1 calls more, and the result is rounded up
		"calls/token":     1.5,
		"Jain":            16.0 / (3 * 10),
		"± mean":          5.0 / 3,
		"got nothing":     1,
		"longest ÷ med":   4, // the third waiter still waits at the end of the window
		"client µs/token": 10_000,
		"Redis µs/token":  2_000,
	} {
		if math.Abs(got[name]-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for _, c := range sharing() {
		if _, ok := got[c.name]; !ok {
			t.Errorf("the table has a column %q that judge does not compute", c.name)
		}
	}
	if len(got) != len(sharing()) {
		t.Errorf("judge computes %d numbers for %d columns", len(got), len(sharing()))
	}
}

// TestJudgeNothing: in a run without a start, the costs for each start are NaN.
func TestJudgeNothing(t *testing.T) {
	got := judge(shape{rate: 2, burst: 2}, make([]diary, 2), window{0, time.Second}, measure.Cost{Process: time.Second}, 5)
	if got["use"] != 0 || got["got nothing"] != 2 || !math.IsNaN(got["calls/token"]) || !math.IsNaN(got["client µs/token"]) {
		t.Errorf("judge returns %v, want no use, two waiters without a start, and NaN for each start", got)
	}
}

// TestImpatience: a waiter has the same times for every contestant, and other times in every round.
func TestImpatience(t *testing.T) {
	sh := shape{patience: 2 * time.Second}
	if (shape{}).impatience(0, 0) != nil {
		t.Error("impatience is not nil for waiters that do not give up")
	}
	a, b, other := sh.impatience(1, 2), sh.impatience(1, 2), sh.impatience(2, 2)
	differ := false
	for range 10 {
		x := a()
		if x < 0 || x >= sh.patience {
			t.Errorf("a wait of %v, want less than %v", x, sh.patience)
		}
		if y := b(); x != y {
			t.Errorf("the same waiter of the same round waits %v and %v", x, y)
		}
		differ = differ || x != other()
	}
	if !differ {
		t.Error("a waiter has the same times in two rounds")
	}
}
