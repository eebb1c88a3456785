package orchestrator

import (
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Retry says which tasks run again after an error, and when. Each attempt takes a token and a slot of its own; between
// attempts a task holds neither. The n-th is made after a random time up to First·2ⁿ⁻², at most Most (full jitter),
// behind what the provider asked for.
//
// Retries of a route are bounded by a budget of a tenth of its first attempts, and one a second where that is more: an
// outage of the provider is not answered with more calls; ten can be saved up. What the provider has put off itself is not counted. A task
// that the budget does not let run again ends with its error and [ErrRetryBudget].
type Retry struct {
	// Attempts is how often a task runs at most, the first included, up to 100. Zero is 4; 1 is never to try again.
	Attempts int
	// First bounds the wait before the second attempt. Zero is 200 ms.
	First time.Duration
	// Most bounds that before any. Zero is 20 s.
	Most time.Duration
	// MostAfter bounds what a provider may ask for: a task that would have to wait longer ends with its error. Zero is a
	// minute.
	MostAfter time.Duration
	// Classify says whether a task that ended with an error is worth another attempt; it is not asked about panics and
	// timeouts, which are not. It must be quick and safe for concurrent use. Zero takes those errors that say so
	// themselves: see [Again].
	Classify func(error) Verdict
}

// Verdict is what an error means for the task that ended with it.
type Verdict struct {
	Again     bool          // it may succeed in another attempt
	After     time.Duration // not before that, as a provider asks with Retry-After
	Throttled bool          // a provider has put it off: that is no failure, and costs none of the budget
}

const (
	defaultAttempts  = 4
	defaultFirst     = 200 * time.Millisecond
	defaultMost      = 20 * time.Second
	defaultMostAfter = time.Minute
)

func (r Retry) filled() (Retry, error) {
	if r.Attempts < 0 || r.Attempts > maxAttempts {
		return r, fmt.Errorf("orchestrator: %d attempts: want 1 to %d, or 0 for %d", r.Attempts, maxAttempts, defaultAttempts)
	}
	if r.First < 0 || r.Most < 0 || r.MostAfter < 0 {
		return r, errors.New("orchestrator: a retry after less than no time")
	}
	fill(&r.Attempts, defaultAttempts)
	fill(&r.First, defaultFirst)
	fill(&r.Most, defaultMost)
	fill(&r.MostAfter, defaultMostAfter)
	if r.Classify == nil {
		r.Classify = says
	}
	return r, nil
}

// Again marks an error as worth another attempt, not before a time has passed; 0 leaves that to [Retry]. Where it is
// more than 0 the provider has put the call off: that costs none of the budget. It returns nil for nil.
func Again(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &againError{err, Verdict{Again: true, After: max(0, after), Throttled: after > 0}}
}

type againError struct {
	error

	verdict Verdict
}

func (e *againError) Unwrap() error { return e.error }

// says is the verdict that an error carries itself.
func says(err error) Verdict {
	if e, ok := errors.AsType[*againError](err); ok {
		return e.verdict
	}
	return Verdict{}
}

// classify asks for a verdict. What must not run again does not, whatever is said of it; a panic is no verdict.
func (r *Retry) classify(err error) (v Verdict) {
	defer func() {
		if recover() != nil {
			v = Verdict{}
		}
	}()
	if _, panicked := errors.AsType[*PanicError](err); panicked || errors.Is(err, ErrGoexit) {
		return Verdict{}
	}
	return r.Classify(err)
}

// delays makes the random times between the attempts of a task. The library spreads them around a mean: half of the
// bound, by all of itself.
func (r *Retry) delays() *backoff.ExponentialBackOff {
	const double, all, half = 2, 1, 2
	return &backoff.ExponentialBackOff{
		InitialInterval: min(r.First, r.Most) / half, MaxInterval: r.Most / half, Multiplier: double, RandomizationFactor: all,
	}
}

// againLocked lets a task wait for another attempt. If it may not have one it reports false; the error may say why.
func (o *Orchestrator) againLocked(t *task, e *ending) bool {
	n, retry := t.opts.lane, &o.cfg.Retry
	most := retry.Attempts
	if t.opts.tries > 0 {
		most = t.opts.tries
	}
	if int(t.tries) >= most || e.gone || o.drain.given || e.verdict.After > retry.MostAfter {
		return false
	}
	m := t.extra()
	if m.backoff == nil {
		m.backoff = retry.delays()
	}
	delay := e.verdict.After + m.backoff.NextBackOff()
	if !e.deadline.IsZero() && time.Until(e.deadline) <= delay {
		return false
	}
	if !e.verdict.Throttled && !n.budget.take(o.now()) {
		o.count.OverBudget++
		e.err = fmt.Errorf("%w: %w", ErrRetryBudget, e.err)
		return false
	}
	o.count.Retried++
	o.busy.remove(t)
	o.resting.push(t)
	m.last = e.err
	t.state = delayed
	o.takeRoomLocked(1, t.opts.cost) // whether there is any or not: it has been let in
	o.watchLocked(t, e.done, 1)
	m.timer = time.AfterFunc(delay, func() { o.resume(t) })
	return true
}

// resume queues a task whose next attempt may be made.
func (o *Orchestrator) resume(t *task) {
	o.mu.Lock()
	if t.state == delayed {
		o.resting.remove(t)
		t.state, t.more.resumedAt = queued, o.now()
		n := t.opts.lane
		n.queue.pushBack(t)
		n.movedLocked()
		o.wakeLocked()
	}
	o.unlock()
}

// budget bounds the retries of a route: a token bucket that first attempts fill, or time where that is more. It is
// guarded by the orchestrator's mu.
type budget struct {
	tokens float64
	firsts int   // first attempts since at
	at     int64 // ns
}

const (
	budgetRatio = 0.1 // of first attempts
	budgetFloor = 1.0 // a second
	budgetBurst = 10.0
)

func newBudget(now int64) budget { return budget{tokens: 1, at: now} }

// take pays for a retry, if it can.
func (b *budget) take(now int64) bool {
	earned := max(budgetRatio*float64(b.firsts), budgetFloor*time.Duration(now-b.at).Seconds())
	b.tokens, b.firsts, b.at = min(budgetBurst, b.tokens+earned), 0, now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
