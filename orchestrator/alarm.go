package orchestrator

import (
	"sync"
	"sync/atomic"
	"time"
)

// alarm calls a function at the earliest of the times that it was set to. An extra call is harmless, so the alarm is
// never moved to a later time. After each call it is set again.
type alarm struct {
	began time.Time // times are counted from here
	ring  func()

	at atomic.Int64 // 0 if the alarm is not set

	mu     sync.Mutex
	timer  *time.Timer
	closed bool
}

func (a *alarm) set(at time.Duration) {
	if set := a.at.Load(); set != 0 && set <= int64(at) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if set := a.at.Load(); a.closed || set != 0 && set <= int64(at) {
		return
	}
	a.at.Store(int64(at))
	in := at - time.Since(a.began)
	if a.timer == nil {
		a.timer = time.AfterFunc(in, a.rings)
	} else {
		a.timer.Reset(in)
	}
}

func (a *alarm) rings() {
	a.at.Store(0)
	a.ring()
}

func (a *alarm) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
}
