package orchestrator

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
)

// label marks a goroutine of the orchestrator in profiles, so that the stack of a task can be found. Labels are used
// again: making a label for each task would cost more than the task.
type label struct {
	id  string
	ctx context.Context //nolint:containedctx // how the library takes labels
}

// labelKey is the key of the label in profiles.
const labelKey = "weir.worker"

var lastLabel atomic.Int64 //nolint:gochecknoglobals // unique in the process, as goroutines are

// newLabel returns a label that no other goroutine has. A goroutine keeps its label until it ends; then another
// goroutine may have it.
func newLabel() *label {
	l := &label{id: strconv.FormatInt(lastLabel.Add(1), 10)}
	l.ctx = pprof.WithLabels(context.Background(), pprof.Labels(labelKey, l.id))
	return l
}

// mark gives this goroutine the label.
func (l *label) mark() { pprof.SetGoroutineLabels(l.ctx) }

// stacks returns the stacks of goroutines that run tasks, by label, including goroutines that a task has started.
func stacks() map[string]string {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return nil
	}
	found := map[string]string{}
	for entry := range strings.SplitSeq(text.String(), "\n\n") {
		_, rest, ok := strings.Cut(entry, strconv.Quote(labelKey)+`:"`)
		if !ok {
			continue
		}
		id, rest, _ := strings.Cut(rest, `"`)
		if _, frames, ok := strings.Cut(rest, "\n"); ok {
			found[id] += strings.ReplaceAll(frames, "#\t", "") + "\n"
		}
	}
	return found
}
