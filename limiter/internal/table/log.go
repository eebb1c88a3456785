package table

import (
	"slices"
	"time"
)

// Task is one call of a run. Times count from the beginning of the run.
type Task struct {
	// Lane is an index into Row.Lanes, and Route into Row.Routes.
	Lane, Route int
	// Caller numbers the callers of the run. In an open row it is the lane.
	Caller int
	// Cost is the number of tokens.
	Cost int64
	// Arrived is when the caller asked.
	Arrived time.Duration
	// Started is when the call started, or Never.
	Started time.Duration
	// Gone is when the caller gave up or died, or Never. A task that still waits at the end has neither.
	Gone time.Duration
}

// Log is the record of a run.
type Log struct {
	// Tasks are the calls, in any order.
	Tasks []Task
	// Calls is the number of calls to the store.
	Calls int64
	// End is the length of the run. Later starts do not count.
	End time.Duration
}

// sorted returns the tasks by arrival, without what happened after the end.
func (l Log) sorted() []Task {
	tasks := slices.DeleteFunc(slices.Clone(l.Tasks), func(t Task) bool { return t.Arrived >= l.End })
	for i := range tasks {
		t := &tasks[i]
		if t.Started > l.End {
			t.Started = Never
		}
		if t.Gone > l.End {
			t.Gone = Never
		}
	}
	slices.SortStableFunc(tasks, func(a, b Task) int { return int(a.Arrived - b.Arrived) })
	return tasks
}

// left returns when a task stopped waiting: its start, its departure, or the end.
func (t Task) left(end time.Duration) time.Duration { return min(t.Started, t.Gone, end) }
