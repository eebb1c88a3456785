package orchestrator

import (
	"sync"
	"sync/atomic"
	"time"
)

// alarm calls a function at the earliest of the times that it was set to. One call too many does no harm, so that it is never
// set to a later time: after each call it is set anew.
type alarm struct {
	began time.Time // times are counted from then
	ring  func()

	at atomic.Int64 // 0 if it is not set

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
