package core

// Effects is what an input has decided and the caller has to do, in any order. The caller makes it and gives it to one input.
type Effects struct {
	Worker bool // the caller's to set: it is a goroutine that can take a job

	Job      Job      // what the worker does next
	Spawn    bool     // one more worker is of use: it begins with [Core.Tick]
	Return   []any    // reservations that nobody uses, to be given back
	Admitted []*Task  // tasks that waited for room and have it
	Resumed  []Turn   // of [Core.Resume], that have come
	Ended    *Task    // the first of the tasks that ended, linked by [Task.Next]
	Watch    []*Group // whose tasks may leave together from now on: report that with [Core.LeaveTogether]
	Unwatch  []*Group // that have no tasks any more
	Cancel   []*Task  // executing tasks whose contexts must end
	Stuck    []*Task  // functions that the end of the orchestrator does not wait for any longer
	GivenUp  bool     // these were all
	Wake     Time     // call [Core.Tick] then; 0 for nothing to wait for
	Quiet    bool     // a drain has nothing left to wait for
	Many     int      // how many tasks wait, if that is to be warned of

	last *Task // of Ended
}

// Job is what a worker does: it runs the function of a task, and reports its end with [Core.Finish]; or it asks the limiter,
// and reports its answer with [Core.Answer]; or it ends.
type Job struct {
	Start Start
	Ask   Ask
}

// None reports whether there is nothing to do.
func (j *Job) None() bool { return j.Start.Task == nil && j.Ask.Lane == nil }

// Start is one attempt that begins.
type Start struct {
	Task        *Task
	Reservation any
	Attempt     int
	Queued      Time // when the task began to wait for this attempt
	Asked       Time // when its lane first asked for the reservation
	Turns       int  // answers without a reservation before
}

// Turn is the permission of a goroutine to go on.
type Turn struct {
	Of   any  // as given to [Core.Resume]
	Slot bool // its task got a slot by it
}

// Run is calls of one kind that a lane could start.
type Run struct {
	N      int
	Cost   Cost
	Since  Time // when the oldest arrived
	Urgent bool
}

// Ask is a request to the limiter.
type Ask struct {
	Lane *Lane
	Runs []Run // the lane's: to be read until the answer
}

// Grant is a reservation.
type Grant struct {
	Due         Time
	Cost        Cost
	Reservation any
}

// Answer is what the limiter has answered.
type Answer struct {
	Grants []Grant
	// Without grants:
	Again Time // when to ask again
	// Where some of the calls have to wait, as far as is known, else 0:
	Last  Time // when the last of them could start
	Every Time // how long one token takes
	// Where the limiter failed:
	Err    error
	Fatal  bool    // asking again is of no use: the tasks end with the error
	Spread float64 // a random number from 0 to 1
}

// Result is how an attempt ended.
type Result struct {
	Err       error
	Again     bool // another attempt may succeed
	After     Time // not before this has passed; of an attempt that could not start, 0 for at once
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

// Reset makes effects that were dealt with fit for another input.
func (fx *Effects) Reset() { *fx = Effects{} }
