package paper

import (
	"slices"
	"time"
)

// Result holds the numbers of a run, from the time in which they were counted.
type Result struct {
	Used     float64 // share of the budget of the slowest limit
	Starts   int64
	Scripts  float64 // a second
	PerToken float64 // scripts for each start
	Busy     float64 // share of the time in which Redis worked
	Jain     float64 // Jain's index of the starts of replicas: 1 if all are equal, 1/n if one replica has all starts
	Turns    float64 // starts of each caller, in the mean
	Median   time.Duration
	Longest  time.Duration // longest wait, including callers that still wait
	Slowest  time.Duration // the slowest request to Redis
	Unserved int           // replicas that had no start
	Lost     int64         // reservations that arrived too late to be used
	Waiting  int           // callers that wait at the end
}

// tally counts the events of a period.
type tally struct {
	from, to time.Duration
	served   []int64 // starts of each replica
	waits    []time.Duration
	runs     int64
	dropped  int64
	work     time.Duration
	slowest  time.Duration
}

func (t *tally) counts(now time.Duration) bool { return now >= t.from && now < t.to }

func (t *tally) started(replica int, asked, now time.Duration) {
	if t.counts(now) {
		t.served[replica]++
		t.waits = append(t.waits, now-asked)
	}
}

func (t *tally) script(now time.Duration) {
	if t.counts(now) {
		t.runs++
	}
}

func (t *tally) lost(n int, now time.Duration) {
	if t.counts(now) {
		t.dropped += int64(n)
	}
}

func (t *tally) called(took, now time.Duration) {
	if t.counts(now) {
		t.slowest = max(t.slowest, took)
	}
}

// worked adds the part of some work that lies in the period.
func (t *tally) worked(begins, work time.Duration) {
	t.work += max(0, min(begins+work, t.to)-max(begins, t.from))
}

// result computes the numbers of a run that has ended.
func (f *fleet) result() Result {
	length := f.Length.Seconds()
	r := Result{Starts: int64(len(f.waits)), Lost: f.dropped, Slowest: f.slowest, Jain: Jain(f.served)}
	r.Used = float64(r.Starts) / (f.Rate() * length)
	r.Scripts = float64(f.runs) / length
	r.PerToken = float64(f.runs) / float64(max(1, r.Starts))
	r.Busy = f.work.Seconds() / length
	r.Turns = float64(r.Starts) / float64(len(f.lanes)*f.Callers)
	for _, n := range f.served {
		if n == 0 {
			r.Unserved++
		}
	}
	slices.Sort(f.waits)
	if n := len(f.waits); n > 0 {
		r.Median, r.Longest = f.waits[n/2], f.waits[n-1]
	}
	for _, n := range f.lanes {
		r.Waiting += n.queue.len()
		if n.queue.len() > 0 {
			r.Longest = max(r.Longest, f.to-n.queue.all()[0])
		}
	}
	return r
}

// Jain returns Jain's index of fairness, or 0 if nobody was served.
func Jain(served []int64) float64 {
	sum, squares := 0.0, 0.0
	for _, n := range served {
		sum += float64(n)
		squares += float64(n) * float64(n)
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(served)) * squares)
}
