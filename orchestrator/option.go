package orchestrator

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Option says how one task, or each task of a batch, is treated.
type Option func(*options)

// options are what the tasks that were submitted together have in common.
type options struct {
	lane    *lane // of route; set when they are queued
	route   string
	name    string
	class   Class
	cost    int64
	timeout time.Duration
	tries   int
	key     func(int) string // nil for none
	keep    time.Duration

	// of batches
	live     Live
	finished Finished
	progress func(Progress)
}

// Route names the route of the task. Without it the task takes [Config.Route].
func Route(name string) Option { return func(o *options) { o.route = name } }

// Name names the kind of task, in its span, in log lines and in errors. It should have few values: ids belong into
// attributes.
func Name(kind string) Option { return func(o *options) { o.name = kind } }

// Priority sets the class of the task. Without it the task is [Normal].
func Priority(c Class) Option { return func(o *options) { o.class = c } }

// Cost declares what the task weighs while it is queued, in a unit of the caller's, such as bytes: see
// [Config.MaxCost]. It has nothing to do with tokens. Without it, or below 0, the task weighs nothing.
func Cost(weight int64) Option { return func(o *options) { o.cost = max(0, weight) } }

// Timeout bounds each attempt, from its start: it is the deadline of the attempt's context. When it passes, the context
// ends, with the [TimeoutError] as its cause, and the task ends with that at once; the slot is free when the function has
// returned. Without it, or at 0, an attempt takes as long as it takes.
func Timeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// Attempts bounds how often the task runs, 1 to 100. Without it, or at 0, it is [Retry.Attempts].
func Attempts(most int) Option { return func(o *options) { o.tries = most } }

// Key joins the task to the one of the same key that is on its way, if there is one: they share one run, which is that
// of the first, and its outcome. The run goes on for as long as one of those who wait for it has a live context, and
// sees the values of the first's; who leaves returns at once, also from [Execute]. The outcome is shared with those who
// joined before it was there; who comes later runs anew, unless [Keep] says otherwise. A key must hold all that
// distinguishes what is asked for, and for whom. An empty key is none. For a batch it is the key of every task: see [Keys].
func Key(key string) Option {
	if key == "" {
		return Keys(nil)
	}
	return Keys(func(int) string { return key })
}

// Keys gives each task of a batch the [Key] that a function returns for its index. The function is called before the
// batch is queued.
func Keys(of func(i int) string) Option { return func(o *options) { o.key = of } }

// Keep keeps the result of a task with a [Key] for that long, for those who come later. Errors are never kept.
func Keep(ttl time.Duration) Option { return func(o *options) { o.keep = ttl } }

// plainName is what tasks are called that have no name.
const plainName = "call"

// maxAttempts bounds [Attempts]: the counter is a byte.
const maxAttempts = 100

// collect applies options; it returns nil where there are none.
func collect(opts []Option) (*options, error) {
	if len(opts) == 0 {
		return nil, nil
	}
	set := &options{name: plainName}
	for _, opt := range opts {
		if opt != nil {
			opt(set)
		}
	}
	switch {
	case set.class.check() != nil:
		return nil, set.class.check()
	case set.tries < 0 || set.tries > maxAttempts:
		return nil, errors.New("orchestrator: " + strconv.Itoa(set.tries) + " attempts: want 1 to " + strconv.Itoa(maxAttempts))
	case set.timeout < 0:
		return nil, fmt.Errorf("orchestrator: timeout %v: want 0 or more", set.timeout)
	case set.live < 0 || set.live > LiveAppends || set.finished < 0 || set.finished > FinishedFails:
		return nil, errors.New("orchestrator: no such policy for the ids of batches")
	}
	return set, nil
}
