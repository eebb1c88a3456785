package bucket

import "slices"

const (
	grace     = 20_000             // µs for which a token is kept for the lane whose turn it is
	roundTrip = 1_000              // µs that a request takes, about
	rival     = 1_000_000          // µs for which callers of other routes are expected to come again
	oldest    = 86_400_000_000     // µs: no caller counts as older than a day
	urgentAge = 10_000_000_000_000 // µs that an urgent lane counts as older
	most      = 64                 // late entries that one request removes
	deep      = 16                 // entries that one request counts exactly
	farthest  = 30_000_000         // µs: no request is about a time further ahead
)

// early returns how long before its turn a lane asks: the time of a token, within 0.3 and 0.4 of the horizon. If urgent
// calls have passed meanwhile, the lane need not wait a second time. The earlier a lane asks, the fewer tokens one
// reply brings.
func (b *Bucket) early(horizon int64) int64 {
	return min(passed(horizon), max(horizon*3/10, b.price/b.Tokens))
}

// passed returns how far another limit may push a grant past the tokens of one: 0.4 of the horizon.
func passed(horizon int64) int64 { return horizon * 2 / 5 }

// entry is the place of a lane in the line of one limit.
type entry struct {
	lane   string
	key    int64 // arrival, µs; for an urgent lane so much earlier that it comes before all others
	tokens int64 // that the entry claims
	cost   int64 // of the lane's first call
	rest   int64 // tokens that the lane waits for behind those that the entry claims
}

// line is the entries of one limit by arrival, and sums over them.
type line struct {
	entries []entry
	claimed int64 // tokens that all entries claim
	whole   int64 // tokens that all lanes wait for
	young   int64 // arrival of the youngest caller that any lane has announced
}

func (l *line) find(key int64, lane string) (int, bool) {
	return slices.BinarySearchFunc(l.entries, entry{key: key, lane: lane}, func(a, b entry) int {
		if a.before(b.key, b.lane) {
			return -1
		}
		if a.key == b.key && a.lane == b.lane {
			return 0
		}
		return 1
	})
}

func (l *line) add(e entry, young int64) {
	i, _ := l.find(e.key, e.lane)
	l.entries = slices.Insert(l.entries, i, e)
	l.claimed += e.tokens
	l.whole += e.tokens + e.rest
	l.young = max(l.young, young)
}

func (l *line) drop(i int) entry {
	e := l.entries[i]
	l.entries = slices.Delete(l.entries, i, i+1)
	l.claimed -= e.tokens
	l.whole -= e.tokens + e.rest
	if len(l.entries) == 0 {
		*l = line{}
	}
	return e
}

// withdraw removes the entry of a lane, if it has one.
func (l *line) withdraw(lane string) (e entry, ok bool) {
	i := slices.IndexFunc(l.entries, func(e entry) bool { return e.lane == lane })
	if i < 0 {
		return entry{}, false
	}
	return l.drop(i), true
}

// before reports whether an entry comes before a lane of an arrival. For equal arrivals, the name of the lane decides.
func (e *entry) before(key int64, lane string) bool {
	return e.key < key || e.key == key && e.lane < lane
}

// dropLate removes entries before a lane whose own lanes are late: their first calls could have started a grace ago,
// and they have not asked. A cost beyond the burst, of another configuration, counts as the burst. A late lane comes
// back with the same arrival, a dead one never does. dropLate reports whether there was a late entry.
func (b *Bucket) dropLate(now, key int64, lane string) (late bool) {
	for range most {
		if len(b.line.entries) == 0 || !b.line.entries[0].before(key, lane) {
			break
		}
		if at, _ := b.tokenAt(0, min(b.line.entries[0].cost, b.Burst)); at.At+grace >= now {
			break
		}
		b.line.drop(0)
		late = true
	}
	return late
}

// ahead returns how many tokens the entries before a lane of an arrival claim. The oldest entries count exactly. The
// rest count in proportion to their number, because they only determine when to ask again.
func (l *line) ahead(key int64, lane string) int64 {
	if key > l.young {
		return l.claimed // no caller is younger
	}
	n, looked := int64(0), 0
	for _, e := range l.entries {
		if !e.before(key, lane) {
			return n
		}
		if looked == deep {
			break
		}
		n += e.tokens
		looked++
	}
	rank, _ := l.find(key, "")
	rank = max(rank, looked) // entries of the same arrival are not counted
	behind := float64(len(l.entries) - looked)
	return n + int64(float64(l.claimed-n)*float64(rank-looked)/max(1, behind))
}

// tokensAhead returns how many tokens come before a caller of an arrival, for the time that the caller is given. If no
// other caller is younger by more than a horizon, it counts the tokens of whole lanes. Otherwise it counts those that
// the entries claim.
func (b *Bucket) tokensAhead(key, ahead, horizon int64) int64 {
	if key+horizon >= b.line.young {
		return max(ahead, b.line.whole)
	}
	return ahead
}
