package bucket

import (
	"slices"
	"sort"
)

// log is the memory of a window: its starts, numbered from 1 in the order of their due times, which never decrease.
// Starts of one due time are one pair, so that a call of any cost is one pair.
type log struct {
	pairs []pair // the starts that still count, oldest first
	total int64  // starts so far
	base  int64  // starts that are no longer in pairs; they count as due at edge
	edge  int64  // µs
}

// pair is a due time and the number of the last start at it.
type pair struct{ due, serial int64 }

// oldest returns the due time of the n-th oldest of the last count starts, and how many further ones follow at the same
// time.
func (w *log) oldest(n, count int64) (due, alike int64) {
	serial := w.total - count + n
	if serial <= w.base {
		return w.edge, w.base - serial
	}
	i := sort.Search(len(w.pairs), func(i int) bool { return w.pairs[i].serial >= serial })
	return w.pairs[i].due, w.pairs[i].serial - serial
}

// add adds starts at a due time that is not before any other.
func (w *log) add(due, tokens int64) {
	w.total += tokens
	if n := len(w.pairs); n > 0 && w.pairs[n-1].due == due {
		w.pairs[n-1].serial = w.total
		return
	}
	w.pairs = append(w.pairs, pair{due, w.total})
}

// expire removes starts that no longer count: those a width ago.
func (w *log) expire(now, width int64) {
	n := sort.Search(len(w.pairs), func(i int) bool { return w.pairs[i].due+width > now })
	if n > 0 {
		w.edge, w.base = w.pairs[n-1].due, w.pairs[n-1].serial
		w.pairs = slices.Delete(w.pairs, 0, n)
	}
}

// available returns the number of tokens at a time.
func (w *log) available(now, burst, width int64) int64 {
	if w.edge+width > now {
		return burst - (w.total - max(0, w.base-burst)) // the starts at edge still count
	}
	w.expire(now, width)
	return max(0, burst-(w.total-w.base))
}
