package orchestrator

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Option sets how one task, or each task of a batch, is treated.
type Option func(*options)

// options are the settings that tasks submitted together share.
type options struct {
	core.Kind

	o       *Orchestrator
	route   string
	name    string
	span    string // the name of the span
	class   Class
	tokens  int64
	costs   limiter.Costs
	timeout time.Duration
	tries   int
	key     func(int) string // nil for none
	keep    time.Duration
	live    Live // of batches
}

// Route names the route of the task. Without this option the task takes [Config.Route].
func Route(name string) Option { return func(o *options) { o.route = name } }

// Name names the kind of task, in its span, in log lines and in errors. Use few different names: ids belong in
// attributes.
func Name(kind string) Option { return func(o *options) { o.name = kind } }

// Priority sets the class of the task. Without this option the task is [Normal].
func Priority(c Class) Option { return func(o *options) { o.class = c } }

// Share names the job, the tenant or the caller that the task belongs to. Tasks of a route and a class take turns by
// their shares, in tokens: a share with ten tasks that comes after a share with thousands gets every other token until
// its tasks have started. Within a share the oldest task is first. Tasks without a share form one share.
func Share(name string) Option { return func(o *options) { o.Share = name } }

// Weight sets what the task weighs while it waits, in a unit that the caller chooses, such as bytes: see
// [Config.MaxWeight]. A weight has nothing to do with tokens. Without this option, or below 0, the task weighs nothing.
func Weight(weight int64) Option { return func(o *options) { o.Weight = max(0, weight) } }

// Timeout bounds each attempt, from its start: it sets the deadline of the attempt's context. When the deadline passes,
// the context ends, with a [TimeoutError] as its cause, and the task ends with that error at once. The slot is free
// when the function has returned. Without this option, at 0, and from a century on, attempts are not bounded.
func Timeout(d time.Duration) Option {
	if d >= forever {
		d = 0
	}
	return func(o *options) { o.timeout = d }
}

// Attempts bounds how often the task runs, 1 to 100. Without this option, or at 0, [Retry.Attempts] is the bound.
func Attempts(most int) Option { return func(o *options) { o.tries = most } }

// Key joins the task to an unfinished task of the same key, if one exists: both share the run of the first task, and
// its outcome. The run has the values of the first caller's context. It ends early only if the contexts of all its
// callers have ended. A caller whose context ends returns at once, even from [Execute]. Callers that joined before the
// run ended share its outcome. A later caller starts a new run, unless [Keep] kept the result. A key must contain
// everything that distinguishes the request, and for whom it is made. An empty key is no key. For a batch it is the key
// of every task: see [Keys].
func Key(key string) Option {
	if key == "" {
		return Keys(nil)
	}
	return Keys(func(int) string { return key })
}

// Keys gives each task of a batch the [Key] that a function returns for the task's index. The function is called before
// the batch is queued.
func Keys(of func(i int) string) Option { return func(o *options) { o.key = of } }

// Keep keeps the result of a task with a [Key] for that long, for later callers. Errors are never kept. At most ten
// thousand results are kept, the latest ones.
func Keep(ttl time.Duration) Option { return func(o *options) { o.keep = ttl } }

// plainName is the name of tasks without a name.
const plainName = "call"

// maxAttempts bounds [Attempts]: the counter is a byte.
const maxAttempts = 100

// collect applies options.
func (o *Orchestrator) collect(opts []Option) (*options, error) {
	if len(opts) == 0 {
		return o.plain, nil
	}
	set := o.options()
	for _, opt := range opts {
		if opt != nil {
			opt(set)
		}
	}
	if set.route == "" {
		set.route = o.cfg.Route
	}
	set.span, set.Cost = "task "+set.name, costOf(set.tokens, set.costs)
	switch {
	case set.class.check() != nil:
		return nil, set.class.check()
	case set.tries < 0 || set.tries > maxAttempts:
		return nil, errors.New("orchestrator: " + strconv.Itoa(set.tries) + " attempts: want 1 to " + strconv.Itoa(maxAttempts))
	case set.timeout < 0:
		return nil, fmt.Errorf("orchestrator: timeout %v: want 0 or more", set.timeout)
	case set.live < 0 || set.live > LiveAppends:
		return nil, errors.New("orchestrator: no such policy for the ids of batches")
	}
	if set.tries > 0 {
		set.Attempts = uint8(set.tries) //nolint:gosec // checked
	}
	return set, nil
}

// options returns the options of tasks that are submitted without any.
func (o *Orchestrator) options() *options {
	return &options{
		Kind: core.Kind{Cost: core.Cost{Tokens: 1}, Attempts: uint8(o.cfg.Retry.Attempts)}, //nolint:gosec // checked
		o:    o, tokens: 1, route: o.cfg.Route, name: plainName, span: "task " + plainName,
	}
}
