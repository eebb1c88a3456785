package lane

import (
	"sync/atomic"
	"time"
)

// timer calls a function at a time. Timers of the runtime fire up to a millisecond late. So the timer is set a little
// before the time, and its goroutine sleeps the rest in the kernel, which is exact to some tens of microseconds. If
// times follow each other too closely for that to pay, the runtime's timer is used alone. All of this is inside set.
//
// The lane's lock guards it.
type timer struct {
	call  func()
	timer *time.Timer
	at    time.Time
	last  time.Time // the time before at for which it was set
	plain bool      // the clock is not the kernel's, as in a testing/synctest bubble: timers are exact
}

const (
	// nearly is more than the usual delay of a runtime timer.
	nearly = 1300 * time.Microsecond
	// dense is the time between two calls below which timers of the runtime are good enough.
	dense = 500 * time.Microsecond
)

// set moves the timer to a time; zero stops it. A call that has begun may still be made.
func (t *timer) set(at, now time.Time) {
	switch {
	case at.IsZero():
		if !t.at.IsZero() {
			t.at = at
			t.timer.Stop()
		}
		return
	case t.at.Equal(at) && now.Before(at):
		return
	}
	if !t.at.IsZero() {
		t.last = t.at
	}
	t.at = at
	d := time.Until(at) // now may be a moment ago
	if t.exact() {
		d -= nearly
	}
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.call)
	} else {
		t.timer.Reset(d)
	}
}

// exact reports whether to sleep the last moment in the kernel.
func (t *timer) exact() bool { return kernelSleeping && !t.plain && t.at.Sub(t.last) > dense }

// rung notes that the time has come.
func (t *timer) rung(plain bool) {
	t.plain = t.plain || plain
	t.last, t.at = t.at, time.Time{}
}

// kernelSleeps measures how late the kernel wakes a sleeper on this machine.
type kernelSleeps struct{ late atomic.Int64 } // ns, on average

// sleep sleeps until a time that is at most a little ahead. It sleeps in the kernel, except for the last moment, which
// is as long as the kernel is usually late: that passes in a loop. It reports whether the clock moves while the kernel
// sleeps.
func (n *kernelSleeps) sleep(until time.Time) bool {
	now := time.Now()
	left := until.Sub(now)
	if left <= 0 || left > 2*nearly {
		return true
	}
	late := n.late.Load()
	if d := left - time.Duration(late); d > 0 {
		kernelSleep(d)
		woken := time.Now()
		if !woken.After(now) {
			return false
		}
		late += (woken.Sub(now) - d - time.Duration(late)).Nanoseconds() / 8
		n.late.Store(min(max(late, 0), longestSpin))
	}
	for time.Now().Before(until) {
		continue
	}
	return true
}

// longestSpin bounds the time of the last moment, ns.
const longestSpin = 100_000
