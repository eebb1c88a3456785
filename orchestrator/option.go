package orchestrator

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Option says how one task, or each task of a batch, is treated.
type Option func(*options)

// options are what the tasks that were submitted together have in common.
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

// Route names the route of the task. Without it the task takes [Config.Route].
func Route(name string) Option { return func(o *options) { o.route = name } }

// Name names the kind of task, in its span, in log lines and in errors. It should have few values: ids belong into
// attributes.
func Name(kind string) Option { return func(o *options) { o.name = kind } }

// Priority sets the class of the task. Without it the task is [Normal].
func Priority(c Class) Option { return func(o *options) { o.class = c } }

// Share names what the task belongs to: a job, a tenant, a caller. Tasks of a route and a class take turns by their shares, in
// tokens: a share with ten tasks that comes after one with thousands gets every other token until its tasks have started.
// Within a share the oldest is first. Tasks without a share have one in common.
func Share(name string) Option { return func(o *options) { o.Share = name } }

// Weight declares what the task weighs while it waits, in a unit of the caller's, such as bytes: see
// [Config.MaxWeight]. It has nothing to do with tokens. Without it, or below 0, the task weighs nothing.
func Weight(weight int64) Option { return func(o *options) { o.Weight = max(0, weight) } }

// Timeout bounds each attempt, from its start: it is the deadline of the attempt's context. When it passes, the context
// ends, with the [TimeoutError] as its cause, and the task ends with that at once; the slot is free when the function has
// returned. Without it, at 0, and from a century on an attempt takes as long as it takes.
func Timeout(d time.Duration) Option {
	if d >= forever {
		d = 0
	}
	return func(o *options) { o.timeout = d }
}

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

// Keep keeps the result of a task with a [Key] for that long, for those who come later. Errors are never kept. Ten thousand
// results are kept at most, the last ones.
func Keep(ttl time.Duration) Option { return func(o *options) { o.keep = ttl } }

// plainName is what tasks are called that have no name.
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

// options are those of tasks without.
func (o *Orchestrator) options() *options {
	return &options{
		Kind: core.Kind{Cost: core.Cost{Tokens: 1}, Attempts: uint8(o.cfg.Retry.Attempts)}, //nolint:gosec // checked
		o:    o, tokens: 1, route: o.cfg.Route, name: plainName, span: "task " + plainName,
	}
}
