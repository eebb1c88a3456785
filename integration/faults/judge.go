package faults

import (
	"math"
	"slices"
	"time"
)

// Arrival is one call that reached the provider.
type Arrival struct {
	At      time.Duration // since the provider started, on its monotonic clock
	Replica string
	Task    string // differs between all tasks of all replicas
	Attempt int    // 1 is the first
}

// Log is what a provider saw, in the order of time.
type Log []Arrival

// Excess is the most by which the calls of any window exceed burst + rate·T, where T is the length of the window. A rate is in calls a
// second. Nothing is taken off for slack. An empty log has an excess of -burst.
//
// The calls i to j lie in a window of length at(j) - at(i), so that their excess is (j + 1 - rate·at(j)) - (i - rate·at(i)) - burst. One
// pass keeps the least of the second term.
func (l Log) Excess(rate, burst float64) float64 {
	worst, least := -burst, math.Inf(1)
	for i, a := range l {
		due := float64(i) - rate*a.At.Seconds()
		least = min(least, due)
		worst = max(worst, due+1-least-burst)
	}
	return worst
}

// Most is the most calls in any window of a length. A call at the very end of the window is not in it.
func (l Log) Most(window time.Duration) int {
	most, first := 0, 0
	for i, a := range l {
		for a.At-l[first].At >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// Between is the part of the log from one time to another, the second not included.
func (l Log) Between(from, to time.Duration) Log {
	first := 0
	for first < len(l) && l[first].At < from {
		first++
	}
	last := first
	for last < len(l) && l[last].At < to {
		last++
	}
	return l[first:last]
}

// Used is the calls of a span as a share of what the rate allows in it.
func (l Log) Used(from, to time.Duration, rate float64) float64 {
	return float64(len(l.Between(from, to))) / (rate * (to - from).Seconds())
}

// Silence is the longest time without a call between two times. The time from the first of them to the next call counts, and the time
// from the last call to the second.
func (l Log) Silence(from, to time.Duration) time.Duration {
	longest, last := time.Duration(0), from
	for _, a := range l.Between(from, to) {
		longest, last = max(longest, a.At-last), a.At
	}
	return max(longest, to-last)
}

// Gap is the time that a share of the gaps between two calls does not exceed; 0 where there are none.
func (l Log) Gap(share float64) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(l); i++ {
		gaps = append(gaps, l[i].At-l[i-1].At)
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[min(len(gaps)-1, int(share*float64(len(gaps))))]
}

// Twice is how many attempts arrived more than once. A task that is tried again has another number of its attempt.
func (l Log) Twice() int {
	type attempt struct {
		task   string
		number int
	}
	seen, twice := map[attempt]int{}, 0
	for _, a := range l {
		of := attempt{a.Task, a.Attempt}
		if seen[of]++; seen[of] == 2 {
			twice++
		}
	}
	return twice
}

// Of is the part of the log that came from one replica.
func (l Log) Of(replica string) Log {
	var of Log
	for _, a := range l {
		if a.Replica == replica {
			of = append(of, a)
		}
	}
	return of
}
