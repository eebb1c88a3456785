package upstreamtest

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// errIdle reports a test without calls, which would prove nothing.
var errIdle = errors.New("upstreamtest: no call has come, so the limit was not tested")

// Obeyed fails the test, by Errorf with the text of [API.Err], if calls so far were above the limit, or no call has
// come. It returns true if all calls obeyed the limit.
func (a *API) Obeyed() bool {
	a.tb.Helper()
	if err := a.Err(); err != nil {
		a.tb.Errorf("%v", err)
		return false
	}
	return true
}

// Err returns nil if at least one call has come and every call so far was within the limit. Otherwise it returns a
// *LimitError, or an error that no call has come.
func (a *API) Err() error {
	a.mu.Lock()
	cfg, calls := a.cfg, slices.Clone(a.calls)
	a.mu.Unlock()
	if len(calls) == 0 {
		return errIdle
	}
	last := slices.IndexFunc(calls, func(c Call) bool { return c.Over })
	if last < 0 {
		return nil
	}
	e := &LimitError{Limit: cfg.Limit, Slack: cfg.Slack, Number: last + 1, Total: len(calls)}
	for _, c := range calls {
		if c.Over {
			e.Over++
		}
	}
	// A fresh judge begins with a full bucket, so it refuses fewer calls. The shortest stretch begins with the latest
	// call from which a fresh judge still refuses the last call.
	from := sort.Search(last, func(i int) bool { return refuses(cfg, calls[i:last+1]).OK }) - 1
	e.Stretch = slices.Clone(calls[from : last+1])
	v := refuses(cfg, e.Stretch)
	e.Early, e.Window = v.RetryAfter, strings.HasSuffix(v.By, "-window")
	return e
}

// refuses returns the verdict of a fresh judge on the last of some calls, if it accepts the others.
func refuses(cfg Config, calls []Call) (last upstream.Verdict) {
	judge, err := upstream.NewJudge(cfg.judged())
	if err != nil {
		panic(err) // the API has a judge of the same configuration
	}
	for _, c := range calls {
		last = judge.Arrive(judgedAs, c.At, upstream.Call{})
	}
	return last
}

// LimitError is the first stretch of calls that exceeded a limit.
type LimitError struct {
	Limit Limit
	Slack time.Duration
	// Window is true if the calls exceeded the window of the limit, false if they exceeded the bucket.
	Window bool
	// Stretch is the shortest run of successive calls that the limit does not allow even after an idle time. The limit
	// allows all of them except the last.
	Stretch []Call
	// Number is the number of the last call of the stretch; the first call to the API is 1.
	Number int
	// Early is by how much that call came too early.
	Early time.Duration
	// Over is how many calls were above the limit, Total how many calls came.
	Over, Total int
}

// shown is how many calls are listed at the beginning and at the end of a stretch.
const shown = 3

// Error returns the limit, the call, and the stretch, with a line for each listed call.
func (e *LimitError) Error() string {
	var b strings.Builder
	n := len(e.Stretch)
	first, last := e.Stretch[0], e.Stretch[n-1]
	fmt.Fprintf(&b, "upstreamtest: %d of %d calls were above the limit of %s.\n", e.Over, e.Total, e.limit())
	fmt.Fprintf(&b, "Call %d came %v too early: from %v to %v, which is %v, %d calls came, and the limit allows %d.",
		e.Number, e.Early, first.At, last.At, last.At-first.At, n, n-1)
	for i, c := range e.Stretch {
		if n > 2*shown+1 && i >= shown && i < n-shown {
			if i == shown {
				fmt.Fprintf(&b, "\n\t... %d more", n-2*shown)
			}
			continue
		}
		fmt.Fprintf(&b, "\n\tcall %d at %v: %s %s", e.Number-n+1+i, c.At, c.Method, c.Path)
	}
	return b.String()
}

// limit returns the exceeded part of the limit, in words.
func (e *LimitError) limit() string {
	w, s := e.Limit.Window, fmt.Sprintf("%v calls a second, burst %d", e.Limit.Rate, e.Limit.Burst)
	switch {
	case e.Window && w.Fixed:
		return fmt.Sprintf("%d calls in each %v since the start", w.N, w.Per)
	case e.Window:
		s = fmt.Sprintf("%d calls in any %v", w.N, w.Per)
	}
	if e.Slack > 0 {
		s += fmt.Sprintf(", slack %v", e.Slack)
	}
	return s
}
