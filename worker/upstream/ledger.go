package upstream

import "time"

// Arrival is one request that reached a provider's path.
type Arrival struct {
	At      time.Duration // since New, on the monotonic clock
	API     API
	Refused bool // answered 429
}

const (
	keptArrivals = 1 << 19
	binLength    = 100 * time.Millisecond
	keptBins     = 36_000 // an hour
)

// ledger counts arrivals. Times are nanoseconds and never fall.
type ledger struct {
	arrivals [apiCount]int64
	refused  [apiCount]int64
	total    int64

	ring     []entry // arrival k is ring[k%keptArrivals]
	secondAt int64   // number of the oldest arrival less than a second before the last
	worst    int64
	first    int64
	last     int64
	bins     []int64
}

// entry is an Arrival in 16 bytes.
type entry struct {
	at  int64
	api int // index, its complement where the arrival was refused
}

func (l *ledger) add(at int64, api int, refused bool) {
	if l.total == 0 {
		l.first = at
	}
	l.last = at
	l.arrivals[api]++
	e := entry{at: at, api: api}
	if refused {
		l.refused[api]++
		e.api = ^api
	}
	if len(l.ring) < keptArrivals {
		l.ring = append(l.ring, e)
	} else {
		l.ring[l.total%keptArrivals] = e
	}
	l.total++

	// The second is half open, (at − 1 s, at]. An arrival that the ring has dropped is out of it as well, so above
	// 524,288 a second the worst count is only a lower bound.
	l.secondAt = max(l.secondAt, l.total-int64(len(l.ring)))
	for l.ring[l.secondAt%keptArrivals].at <= at-int64(time.Second) {
		l.secondAt++
	}
	l.worst = max(l.worst, l.total-l.secondAt)

	if bin := (at - l.first) / int64(binLength); bin < keptBins {
		for int64(len(l.bins)) <= bin {
			l.bins = append(l.bins, 0)
		}
		l.bins[bin]++
	}
}

// kept returns the arrivals that are remembered, oldest first.
func (l *ledger) kept() []Arrival {
	all := apis()
	out := make([]Arrival, 0, len(l.ring))
	for k := l.total - int64(len(l.ring)); k < l.total; k++ {
		e := l.ring[k%keptArrivals]
		out = append(out, Arrival{At: time.Duration(e.at), API: all[max(e.api, ^e.api)], Refused: e.api < 0})
	}
	return out
}
