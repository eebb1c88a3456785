package orchestrator

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// watch waits for the end of a context for all tasks that wait under it: one goroutine runs when the context ends, not
// one for each task. The core holds the tasks.
type watch struct {
	group core.Group
	ctx   context.Context //nolint:containedctx // the watched context
	stop  atomic.Pointer[func() bool]
	over  atomic.Bool
}

// watchOver returns a group for tasks under a context; nil if the context never ends.
func watchOver(ctx context.Context) *core.Group {
	done := ctx.Done()
	if done == nil {
		return nil
	}
	w := spare.Get().(*watch) //nolint:forcetypeassert // nothing else is put there
	w.ctx = ctx
	w.group.Key, w.group.Of = done, w
	return &w.group
}

// keepSpare keeps the memory of a group that another group replaced, or whose tasks did not arrive. If many tasks have
// one context, this is every group except the first.
func keepSpare(g *core.Group, watched []*core.Group) {
	if g == nil || slices.Contains(watched, g) {
		return
	}
	w := g.Of.(*watch) //nolint:forcetypeassert // what was given
	w.ctx, w.group = nil, core.Group{}
	spare.Put(w)
}

var spare = sync.Pool{New: func() any { return new(watch) }} //nolint:gochecknoglobals // memory that is used again

// watch starts the watch of a group.
func (o *Orchestrator) watch(g *core.Group) {
	w := g.Of.(*watch) //nolint:forcetypeassert // what was given
	stop := context.AfterFunc(w.ctx, func() {
		why := context.Cause(w.ctx)
		o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.LeaveTogether(now, fx, g, why) }))
	})
	w.stop.Store(&stop)
	if w.over.Load() {
		stop()
	}
}

// unwatch ends the watch of a group. It may be called before watch has finished.
func unwatch(g *core.Group) {
	w := g.Of.(*watch) //nolint:forcetypeassert // what was given
	w.over.Store(true)
	if stop := w.stop.Load(); stop != nil {
		(*stop)()
	}
}
