package limiter

import (
	"time"

	"github.com/weir-go/weir/lua"
)

// recollection is what a replica remembers of the slow limits of its fleet, as of the last replies. It is for a Redis
// that has forgotten them. Each replica sends it with its presence, and the newest one counts.
type recollection map[lua.Field]*recalled

// recalled is one limit, at a number of grants in an epoch.
type recalled struct {
	limit  lua.Limit
	epoch  string
	grants int64
	full   time.Time // of a bucket: when it is full
	starts []started // of a window, oldest first
}

// started notes that the starts of a window up to a number were due until a time.
type started struct {
	number int64
	due    time.Time
}

// startsKept is into how many parts the length of a window is divided to remember its starts.
const startsKept = 32

// note remembers a limit of a reply. No reservation in the reply is due more than a horizon after now.
func (r recollection) note(l lua.Limit, epoch string, grants, level int64, now time.Time, horizon time.Duration) {
	if level < 0 || l.Own || !l.Slow() {
		return
	}
	k := r[l.Field]
	switch same := k != nil && k.epoch == epoch; {
	case same && grants < k.grants:
		return // the reply was overtaken
	case !same || level < k.total(): // numbers of another epoch cannot be compared
		k = &recalled{}
		r[l.Field] = k
	}
	k.limit, k.epoch, k.grants = l, epoch, grants
	if !l.Field.Window {
		k.full = now.Add(time.Duration(level) * time.Microsecond)
		return
	}
	k.start(level, now, horizon, time.Duration(l.Burst*l.PerUS/l.Tokens)*time.Microsecond)
}

func (k *recalled) total() int64 {
	if n := len(k.starts); n > 0 {
		return k.starts[n-1].number
	}
	return 0
}

// start notes the number of starts of a window. Starts close together share one entry, at the later time. One entry
// that no longer counts stays, as the number before all others.
func (k *recalled) start(total int64, now time.Time, horizon, width time.Duration) {
	due := now.Add(horizon)
	switch n := len(k.starts); {
	case n > 0 && total == k.total():
	case n > 1 && due.Sub(k.starts[n-2].due) < width/startsKept:
		k.starts[n-1] = started{total, due}
	default:
		k.starts = append(k.starts, started{total, due})
	}
	for len(k.starts) > 1 && k.starts[1].due.Add(width).Before(now) {
		k.starts = k.starts[1:]
	}
}

// reports returns what to report now.
func (r recollection) reports(now time.Time) []lua.Report {
	var out []lua.Report
	for _, k := range r {
		report := lua.Report{Limit: k.limit, Epoch: k.epoch, Grants: k.grants, FullUS: k.full.Sub(now).Microseconds()}
		for _, s := range k.starts {
			report.Starts = append(report.Starts, lua.Starts{Number: s.number, DueUS: s.due.Sub(now).Microseconds()})
		}
		if !k.limit.Field.Window || len(k.starts) > 0 {
			out = append(out, report)
		}
	}
	return out
}
