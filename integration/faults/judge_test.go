package faults

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// at returns a log of calls at times in milliseconds.
func at(times ...int) Log {
	var l Log
	for i, ms := range times {
		l = append(l, Arrival{At: time.Duration(ms) * time.Millisecond, Replica: "r", Task: fmt.Sprint(i), Attempt: 1})
	}
	return l
}

// steady returns a burst of four calls, and then n calls at an interval in milliseconds.
func steady(n, every int) Log {
	times := make([]int, 4, 4+n)
	for i := range n {
		times = append(times, (i+1)*every)
	}
	return at(times...)
}

// TestExcess: Excess of logs that were made by hand. Some of them exceed the limit by a known number of calls.
func TestExcess(t *testing.T) {
	second := Log{}
	for k, from := range []int{0, 2000} { // a second burst, as from a limiter that takes a bucket for full after Redis lost it
		for _, a := range steady(10, 100) {
			a.At += time.Duration(from) * time.Millisecond
			a.Task = fmt.Sprint(k, a.Task)
			second = append(second, a)
		}
	}
	for name, row := range map[string]struct {
		log  Log
		rate float64
		want float64
	}{
		"nothing":                       {nil, 10, -4},
		"one call":                      {at(0), 10, -3},
		"the burst":                     {at(0, 0, 0, 0), 10, 0},
		"one above the burst":           {at(0, 0, 0, 0, 0), 10, 1},
		"the burst, then the rate":      {steady(50, 100), 10, 0},
		"a rate that is half too fast":  {steady(50, 50), 10, 25},
		"half of the rate":              {steady(50, 200), 10, 0},
		"a burst after a rest":          {second, 10, 0}, // the bucket was refilled in the rest
		"a second burst without a rest": {append(steady(10, 100), at(1000, 1000, 1000)...), 10, 3},
		"late calls together":           {at(0, 100, 200, 300, 1000, 1000, 1000, 1000, 1000, 1000, 1000), 10, 3},
	} {
		want := row.want
		if got := row.log.Excess(row.rate, 4); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: an excess of %v, want %v", name, got, want)
		}
	}
}

// TestExcessIsThatOfAllWindows: the one pass of Excess finds the same as a search through every window.
func TestExcessIsThatOfAllWindows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		rate, burst := 1+50*rnd.Float64(), float64(rnd.IntN(6))
		var l Log
		now := 0
		for range rnd.IntN(60) {
			now += rnd.IntN(60) * rnd.IntN(2)
			l = append(l, at(now)...)
		}
		want := -burst
		for i := range l {
			for j := i; j < len(l); j++ {
				want = max(want, float64(j-i+1)-burst-rate*(l[j].At-l[i].At).Seconds())
			}
		}
		if got := l.Excess(rate, burst); math.Abs(got-want) > 1e-9 {
			t.Fatalf("an excess of %v, want %v: rate %v, burst %v, %v", got, want, rate, burst, l)
		}
	}
}

func TestMostUsedSilenceTwice(t *testing.T) {
	l := at(0, 0, 500, 999, 1000, 1500, 4000)
	if got := l.Most(time.Second); got != 4 {
		t.Errorf("%d calls in the worst second, want 4", got)
	}
	if got := at().Most(time.Second); got != 0 {
		t.Errorf("%d calls in a second of an empty log", got)
	}
	if got := l.Used(0, 2*time.Second, 6); got != 0.5 {
		t.Errorf("Used is %v, want 0.5", got)
	}
	for _, row := range []struct{ from, to, want int }{
		{0, 1000, 500}, {0, 5000, 2500}, {1600, 3000, 1400}, {1000, 1400, 400}, {4000, 4100, 100},
	} {
		got := l.Silence(time.Duration(row.from)*time.Millisecond, time.Duration(row.to)*time.Millisecond)
		if want := time.Duration(row.want) * time.Millisecond; got != want {
			t.Errorf("from %d to %d ms: a silence of %v, want %v", row.from, row.to, got, want)
		}
	}
	if got := l.Twice(); got != 0 {
		t.Errorf("Twice is %d, want 0: no attempt arrived twice", got)
	}
	again := append(at(0, 1, 2), Arrival{Task: "1", Attempt: 2}, Arrival{Task: "2", Attempt: 1}, Arrival{Task: "2", Attempt: 1})
	if got := again.Twice(); got != 1 {
		t.Errorf("Twice is %d, want 1: a second attempt does not count", got)
	}
}
