package bucket

import (
	"strconv"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// State is the stored state of a limit, for code that shows or compares it. Times are µs.
type State struct {
	Limit

	Full                  Moment // when the bucket will be full again
	Last                  int64  // due time of the latest reservation
	Urgent                int64  // the level of urgent calls
	Lanes                 int    // that wait at this limit
	Claimed, Whole, Young int64  // sums of the line: tokens that entries claim, tokens for which lanes wait, youngest arrival
	Sought                int64  // when it last set the due time of a call that passes other limits, too
	Total, Base, Edge     int64  // log of a window: starts so far, starts that are no longer kept, and when those count as due
	Eras                  string // how empty it was: "start:tokens" with commas between, oldest first; "-" before a cost was corrected
	Learnt                string // from the provider's answers, the numbers of [adapt.State] with commas between; "-" if nothing
	Owes                  int64  // when the bucket is full, if calls that cost more than reserved delay that; otherwise 0
}

// State returns the stored state of the bucket.
func (b *Bucket) State() State {
	l, eras := &b.line, "-"
	for i, e := range b.eras {
		if i == 0 {
			eras = ""
		} else {
			eras += ","
		}
		eras += strconv.FormatInt(e.start, 10) + ":" + strconv.FormatInt(e.low, 10)
	}
	return State{
		b.Limit, b.level(), b.last, b.urgent, len(l.entries), l.claimed, l.whole, l.young, b.sought, b.log.total, b.log.base, b.log.edge, eras, b.learntText(), b.owes(b.now),
	}
}

func (b *Bucket) learntText() string {
	if b.learnt == nil {
		return "-"
	}
	return b.learnt.String()
}

// Factor returns the part of the configured rate that the provider serves, as far as that is learnt, ppm.
func (b *Bucket) Factor(now int64) int64 {
	if b.learnt == nil {
		return adapt.Whole
	}
	return b.learnt.Factor(b.adapting(0), now)
}

// Idle reports whether an unused bucket is equal to a new one at a time.
func (b *Bucket) Idle(now int64) bool {
	return len(b.line.entries) == 0 && (b.learnt == nil || b.learnt.Forgotten(b.adapting(0), now)) && b.level().Ceil() <= now && max(b.last, b.log.edge)+b.width() <= now
}

func (b *Bucket) width() int64 {
	if b.Window {
		return b.Width()
	}
	return 0
}
