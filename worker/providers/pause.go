package providers

import (
	"errors"
	"sync"
	"time"
)

// pauses are what a client keeps while its provider refuses calls without saying for how long. The first refusal begins a pause of a second.
// When it ends one call is sent, to find out. If that call is refused too, the next pause is twice as long, at most half a minute. If it is
// served the pauses are over. Refusals of calls that were sent before a pause began are of one burst with the refusal that began it.
//
// Each process has its own. The fleet hears of a pause by the report of the call that was refused. Methods are safe for concurrent use.
type pauses struct {
	mu      sync.Mutex
	length  time.Duration // of the last pause; 0 while calls are served
	began   time.Time     // the last pause
	ends    time.Time     // the last pause
	probing bool          // a call is under way that was sent after the last pause
}

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// enter says how long a call has to wait that would be sent at now, 0 for one that may be sent. Such a call ends with leave.
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
	unknown        // the provider or the way to it failed
)

// leave notes how a call ended that was sent at a time.
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

// left is how long the pause still lasts, 0 where there is none.
func (p *pauses) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.ends.Sub(now))
}

// ErrNotSent is matched by the error of a call that was not sent, because its provider refuses calls at the moment.
var ErrNotSent = errors.New("providers: the call was not sent")

// putOffError is such a call. The next one is due in a while.
type putOffError struct {
	api string
	by  time.Duration
}

func (e *putOffError) Error() string {
	return e.api + ": not asked: it refuses calls, and the next is due in " + e.by.Round(time.Millisecond).String()
}

func (e *putOffError) Is(target error) bool { return target == ErrNotSent }
