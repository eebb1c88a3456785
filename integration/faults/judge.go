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
	Task    string // unique among all tasks of all replicas
	Attempt int    // 1 is the first
}

// Log is all arrivals at a provider, in the order of time.
type Log []Arrival

// Excess returns the largest number of calls by which any window exceeds burst + rate·T, where T is the length of the window. The rate is in
// calls a second. Nothing is subtracted for slack. An empty log has an excess of -burst.
//
// The calls i to j lie in a window of length at(j) - at(i). Their excess is therefore (j + 1 - rate·at(j)) - (i - rate·at(i)) - burst. One
// pass is enough, because it keeps the least value of the second term.
func (l Log) Excess(rate, burst float64) float64 {
	worst, least := -burst, math.Inf(1)
	for i, a := range l {
		due := float64(i) - rate*a.At.Seconds()
		least = min(least, due)
		worst = max(worst, due+1-least-burst)
	}
	return worst
}

// Most returns the largest number of calls in any window of a length. A call exactly at the end of a window is not in it.
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

// Between returns the part of the log from one time to another, without calls at the second time.
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

// Used returns the calls of a span divided by the calls that the rate allows in it. The rate is in calls a second.
func (l Log) Used(from, to time.Duration, rate float64) float64 {
	return float64(len(l.Between(from, to))) / (rate * (to - from).Seconds())
}

// Silence returns the longest time without a call in a span. The time from the beginning of the span to its first call counts, and so does the
// time from its last call to its end.
func (l Log) Silence(from, to time.Duration) time.Duration {
	longest, last := time.Duration(0), from
	for _, a := range l.Between(from, to) {
		longest, last = max(longest, a.At-last), a.At
	}
	return max(longest, to-last)
}

// Gap returns a quantile of the gaps between successive calls: the given share of the gaps is not longer. It is 0 if there are no gaps.
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

// Twice returns how many attempts arrived more than once. A retry of a task counts as another attempt, because it has another number.
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

// Of returns the calls of one replica.
func (l Log) Of(replica string) Log {
	var of Log
	for _, a := range l {
		if a.Replica == replica {
			of = append(of, a)
		}
	}
	return of
}
