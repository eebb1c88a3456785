package limiter

import (
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// shadowed bounds the calls that are judged at one time: while Redis hangs, those behind are not judged.
const shadowed = 1024

// pretend has a lane say what would have become of calls, which start at once whatever it says.
func (l *Limiter) pretend(n *lane.Lane, cost int64, calls int) {
	for range calls {
		if l.judging.Add(1) > shadowed {
			l.judging.Add(-1)
			return
		}
		if l.shared.Local {
			l.judge(n, cost)
		} else {
			l.flights.Go(func() { l.judge(n, cost) })
		}
	}
}

// judge asks for one call, and notes the answer.
func (l *Limiter) judge(n *lane.Lane, cost int64) {
	defer l.judging.Add(-1)
	now := time.Now()
	var o lane.Outcome
	err := l.through(n, func(n *lane.Lane) (err error) {
		o, err = n.Join(l.life, lane.Ask{Mode: lane.AtOnce, Cost: cost, N: 1, Since: now})
		return err
	})
	wait := time.Duration(0)
	if !o.At.IsZero() {
		wait = o.At.Sub(now)
	}
	l.says.pretended(l.life, n, wait, l.public(n, err))
}
