package limiter

import (
	"sync/atomic"
	"time"
)

// alarm wakes a lane at a time. Timers of the runtime wake up to a millisecond late; the alarm therefore sets its timer
// before the time and has the woken goroutine sleep out the rest in the kernel, which is exact to some tens of
// microseconds, unless alarms follow each other so closely that this would cost more than it gains.
//
// All but settle is called under the lane's lock.
type alarm struct {
	ring  func()
	timer *time.Timer
	at    time.Time
	last  time.Time // that it was set for before at
	plain bool      // the clock is not the kernel's, as in a testing/synctest bubble: timers are exact
}

const (
	// early is more than a timer of the runtime is late as a rule.
	alarmEarly = 1300 * time.Microsecond
	// alarmDense is the time between alarms below which timers will do.
	alarmDense = 500 * time.Microsecond
)

// set moves the alarm to a time.
func (a *alarm) set(at, now time.Time) {
	if a.at.Equal(at) && a.timer != nil && now.Before(at) {
		return
	}
	if !a.at.IsZero() {
		a.last = a.at
	}
	a.at = at
	d := at.Sub(now)
	if a.exact() {
		d -= alarmEarly
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(d, a.ring)
	} else {
		a.timer.Reset(d)
	}
}

func (a *alarm) stop() {
	a.at = time.Time{}
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (a *alarm) exact() bool { return napping && !a.plain && a.at.Sub(a.last) > alarmDense }

// naps learns how late the kernel wakes a sleeper on this machine.
type naps struct{ late atomic.Int64 } // ns, on average

// settle sleeps until a time that is at most a little ahead: in the kernel but for the last moment, as long as the kernel
// is late as a rule, which passes in a loop. It reports whether the clock moves while the kernel sleeps.
func (n *naps) settle(at time.Time) bool {
	now := time.Now()
	left := at.Sub(now)
	if left <= 0 || left > 2*alarmEarly {
		return true
	}
	late := n.late.Load()
	if d := left - time.Duration(late); d > 0 {
		nap(d)
		woken := time.Now()
		if !woken.After(now) {
			return false
		}
		late += (woken.Sub(now) - d - time.Duration(late)).Nanoseconds() / 8
		n.late.Store(min(max(late, 0), longestSpin))
	}
	for time.Now().Before(at) {
		continue
	}
	return true
}

// longestSpin bounds what an alarm may cost, ns.
const longestSpin = 100_000
