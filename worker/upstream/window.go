package upstream

import (
	"math"
	"sort"
	"time"
)

// window is a sliding window: the last n calls accepted must not all lie within its length.
type window struct {
	n      int
	per    time.Duration
	length int64 // nanoseconds, slack taken off

	log   []int64 // times of the last calls accepted, a ring once it holds keep of them
	keep  int     // the largest n that this window will ever have
	count int     // calls accepted
}

func (w Window) sliding(slack time.Duration, keep int) *window {
	return &window{n: w.N, per: w.Per, length: int64(w.Per - slack), keep: max(keep, w.N)}
}

// become gives the window the count and the length of another one. It keeps the calls that it knows.
func (w *window) become(other *window) { w.n, w.per, w.length = other.n, other.per, other.length }

// ago returns the time of the call that is the i-th from the end, the last one being the first.
func (w *window) ago(i int) int64 { return w.log[(w.count-i)%w.keep] }

func (w *window) wait(now, _ int64) int64 {
	if w.count < w.n {
		return 0
	}
	return max(0, w.ago(w.n)+w.length-now)
}

func (w *window) take(now, _ int64) {
	if len(w.log) < w.keep {
		w.log = append(w.log, now)
	} else {
		w.log[w.count%w.keep] = now
	}
	w.count++
}

func (w *window) state(now int64) State {
	known := min(w.n, w.count)
	used := sort.Search(known, func(i int) bool { return w.ago(i+1)+w.length <= now })
	s := State{Limit: int64(w.n), Per: w.per, PerMinute: perMinute(w.n, w.per), Remaining: int64(w.n - used)}
	if used > 0 {
		s.Reset = time.Duration(w.ago(1) + w.length - now)
	}
	return s
}

func perMinute(n int, per time.Duration) int64 {
	return int64(math.Round(float64(n) * float64(time.Minute) / float64(per)))
}
