package providers

import (
	"errors"
	"sync"
	"time"
)

// pauses are the pauses of a client while its provider refuses calls without a time to wait. The first refusal begins a
// pause of a second. After the pause the client sends one call as a probe. If that call is refused too, the next pause
// is twice as long, at most half a minute. If it is served the pauses are over. Refusals of calls that were sent before
// a pause began belong to that pause.
//
// Each process has its own pauses. The report of the refused call announces a pause to the fleet. Methods are safe for
// concurrent use.
type pauses struct {
	mu      sync.Mutex
	length  time.Duration // of the last pause; 0 while calls are served
	began   time.Time     // the last pause
	ends    time.Time     // the last pause
	probing bool          // a call that was sent after the last pause has not ended
}

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// enter returns how long a call has to wait at now, 0 if it may be sent. A call that is sent must end with leave.
func (p *pauses) enter(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.length == 0:
		return 0
	case now.Before(p.ends):
		return p.ends.Sub(now)
	case p.probing:
		return firstPause
	}
	p.probing = true
	return 0
}

// ending is how a call ended.
type ending int

const (
	served  ending = iota
	refused        // without a time to wait
	unknown        // the provider or the network failed
)

// leave records how a call ended. sent is the time at which it was sent.
func (p *pauses) leave(sent, now time.Time, how ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	probe := p.length > 0 && sent.After(p.began)
	if probe {
		p.probing = false
	}
	switch {
	case how == refused && (probe || p.length == 0):
		p.length = min(max(firstPause, 2*p.length), longestPause)
		p.began, p.ends = now, now.Add(p.length)
	case how == served && probe:
		p.length, p.ends = 0, now
	}
}

// left returns how long the pause still lasts, 0 if there is none.
func (p *pauses) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.ends.Sub(now))
}

// ErrNotSent reports a call that was not sent, because its provider refuses calls at the moment.
var ErrNotSent = errors.New("providers: the call was not sent")

// putOffError is the error of such a call, with the time until the next call may be sent.
type putOffError struct {
	api string
	by  time.Duration
}

func (e *putOffError) Error() string {
	return e.api + ": not asked: it refuses calls, and the next is due in " + e.by.Round(time.Millisecond).String()
}

func (e *putOffError) Is(target error) bool { return target == ErrNotSent }
