package core

// Effects are the decisions of an input, which the caller carries out in any order. The caller makes the value and
// passes it to one input.
type Effects struct {
	Worker bool // the caller's to set: it is a goroutine that can take a job

	Job      Job      // what the worker does next
	Spawn    bool     // one more worker is of use: it begins with [Core.Tick]
	Return   []any    // unused reservations, to be returned to the limiter
	Admitted []*Task  // tasks that waited for room and have it now
	Resumed  []Turn   // turns of [Core.Resume] that have come
	Ended    *Task    // the first of the tasks that ended, linked by [Task.Next]
	Watch    []*Group // groups to watch from now on: report their end with [Core.LeaveTogether]
	Unwatch  []*Group // groups without tasks
	Cancel   []*Task  // executing tasks whose contexts must end
	Stuck    []*Task  // functions for which the end of the orchestrator no longer waits
	GivenUp  bool     // Stuck is complete
	Wake     Time     // when to call [Core.Tick]; 0 for never
	Quiet    bool     // a drain has finished
	Many     int      // how many tasks wait, if a warning is due

	last *Task // of Ended
}

// Job is the next job of a worker. It runs the function of a task, and reports its end with [Core.Finish]. Or it asks
// the limiter, and reports the answer with [Core.Answer]. Without a job it ends.
type Job struct {
	Start Start
	Ask   Ask
}

// None reports whether there is no job.
func (j *Job) None() bool { return j.Start.Task == nil && j.Ask.Lane == nil }

// Start is one attempt that begins.
type Start struct {
	Task        *Task
	Reservation any
	Attempt     int
	Queued      Time // when the task began to wait for this attempt
	Asked       Time // when its lane first asked for the reservation
	Turns       int  // earlier answers without a reservation
}

// Turn is the permission of a goroutine to continue.
type Turn struct {
	Of   any  // as given to [Core.Resume]
	Slot bool // its task got a slot with the turn
}

// Run is a number of calls of one kind that a lane could start.
type Run struct {
	N      int
	Cost   Cost
	Since  Time // when the oldest arrived
	Urgent bool
}

// Ask is a request to the limiter.
type Ask struct {
	Lane *Lane
	Runs []Run // owned by the lane: read it only until the answer
}

// Grant is a reservation.
type Grant struct {
	Due         Time
	Cost        Cost
	Reservation any
}

// Answer is an answer of the limiter.
type Answer struct {
	Grants []Grant
	// Without grants:
	Again Time // when to ask again
	// If some of the calls have to wait, as far as is known, else 0:
	Last  Time // when the last of them could start
	Every Time // how long one token takes
	// If the limiter failed:
	Err    error
	Fatal  bool    // asking again is useless: the tasks end with the error
	Spread float64 // a random number from 0 to 1
}

// Result is how an attempt ended.
type Result struct {
	Err       error
	Again     bool // another attempt may succeed
	After     Time // the least time before it; for an attempt that could not start, 0 means at once
	Throttled bool // the provider put the call off, or the task is patient: another attempt costs none of the retry budget
	Late      bool // it could not start: its reservation had become too old, or was due before the time that After ends
}

func (fx *Effects) end(t *Task) {
	if fx.last == nil {
		fx.Ended = t
	} else {
		fx.last.inAll.next = t
	}
	fx.last = t
}

// Reset makes effects that were carried out ready for another input.
func (fx *Effects) Reset() { *fx = Effects{} }
