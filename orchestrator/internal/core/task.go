package core

import (
	"errors"
	"math"
	"time"
)

// Time is a moment: how long after the orchestrator began.
type Time = time.Duration

// never is after every moment.
const never = Time(math.MaxInt64)

// Ranks of tasks, from the most urgent.
const (
	Urgent uint8 = iota
	Normal
	Background
	ranks
)

// Cost is the tokens that a task takes. A task is started by a reservation of its own cost only.
type Cost struct {
	Tokens int64  // of the bucket that it takes most of, 1 or more: what shares take turns in
	Of     string // tells costs apart which differ in other buckets; "" for the same in all
}

// Kind is what tasks have in common that were submitted with the same options. It is fixed.
type Kind struct {
	Share    string // whose turns they take: see [queue]
	Cost     Cost   // one token at least
	Weight   int64  // what each takes of [Config.MaxWeight] while it waits
	Attempts uint8  // how often each runs at most
}

// Task is one piece of work. The exported fields are the caller's and fixed when the task arrives, except NotBefore and Rank.
// The others belong to the core.
type Task struct {
	*Kind

	Of       any  // what the caller needs to find again
	Deadline Time // it must have started by then, as far as its caller knows; 0 for none
	// NotBefore is when the task may be asked for at the earliest, and when its next attempt may. Zero is at once.
	NotBefore Time
	Rank      uint8 // of its class
	Child     bool  // a task that executes has submitted it

	state  state
	flags  flags
	tries  uint8
	lane   *Lane
	flow   *flow
	group  *Group
	loan   *loan
	why    error // what it ended with, or will end with instead of another attempt
	since  Time  // when it arrived
	number int64 // of its arrival
	first  Time  // when it first started
	ended  Time
	inLane listed // one of its flow, its lane's front, and the tasks that execute or are stuck
	inAll  listed // its group; when it has ended, the tasks that ended together
	ahead  int64  // tokens that had come to its flow before it

	// How it ended, fixed from then on.
	spent   bool // the retry budget did not allow for another attempt
	givenUp bool // its function still ran
	roomy   bool // it had room

	inQueue, inRoom, inDeadlines int32 // places in heaps: of its flow or of those that rest; of those outside or to be shed
}

// state is where a task is.
type state uint8

const (
	fresh     state = iota
	waiting         // in the queue of its lane
	asked           // in front of it: its lane has asked for a reservation
	resting         // until its next attempt, or until its caller lets it go
	executing       // its function runs
	stuck           // its function runs on, though the task has ended
	over
)

// flags are what is true of few tasks.
type flags uint8

const (
	outside flags = 1 << iota // it waits for room
	left                      // its caller has left: there is no further attempt
	hasSlot                   // one of the slots is its
	again                     // it is in its flow's heap
	named                     // the report of a drain names it as stuck
)

func (t *Task) is(f flags) bool { return t.flags&f != 0 }
func (t *Task) set(f flags)     { t.flags |= f }
func (t *Task) clear(f flags)   { t.flags &^= f }

// Err is what the task ended with. It may be read once the task is in [Effects.Ended].
func (t *Task) Err() error { return t.why }

// Amend replaces the error of a task that is in [Effects.Ended], before anybody else reads it.
func (t *Task) Amend(err error) { t.why = err }

// BudgetSpent reports whether the task would have run again if the retry budget of its route had allowed it.
func (t *Task) BudgetSpent() bool { return t.spent }

// HadRoom reports whether the task had room before it ended, or started without.
func (t *Task) HadRoom() bool { return t.roomy }

// GivenUp reports whether the function of the task still ran when the task ended.
func (t *Task) GivenUp() bool { return t.givenUp }

// Conclude is how a task ended that never arrived.
func (t *Task) Conclude(since, ended Time, why error) { t.since, t.ended, t.why = since, ended, why }

// Outside reports whether the task waits for room. It is the core's to change.
func (t *Task) Outside() bool { return t.is(outside) }

// Waits reports whether the task waits to start, or for its next attempt. It is the core's to change.
func (t *Task) Waits() bool { return t.state == waiting || t.state == asked || t.state == resting }

// Started reports whether the task has run, and Waited, Ran and Tries are how long it waited until then, or to its end,
// how long it took from then on, and how often it ran. They may be read like Err.
func (t *Task) Started() bool { return t.tries > 0 }

// Since is when the task arrived.
func (t *Task) Since() Time { return t.since }

// Waited is how long the task waited for its first start, or to its end.
func (t *Task) Waited() Time {
	if t.Started() {
		return t.first - t.since
	}
	return t.ended - t.since
}

// Ran is how long the task took from its first start on.
func (t *Task) Ran() Time {
	if t.Started() {
		return t.ended - t.first
	}
	return 0
}

// Tries is how often the task ran.
func (t *Task) Tries() int { return int(t.tries) }

// Next is the next task in [Effects.Ended].
func (t *Task) Next() *Task { return t.inAll.next }

// virtual is when a task would have arrived if all classes were one.
func (t *Task) virtual(ageing Time) Time {
	if t.Rank > Urgent && ageing > (never-t.since)/Time(t.Rank) {
		return never - Time(ranks-t.Rank) // so far away that only the class counts
	}
	return t.since + Time(t.Rank)*ageing
}

// Reasons for which the core ends a task by itself.
var (
	ErrClosed     = errors.New("orchestrator: closed")
	ErrHandedBack = errors.New("orchestrator: handed back")
	ErrStuck      = errors.New("orchestrator: still executing when closed")
	ErrShed       = errors.New("orchestrator: made room for a more urgent task")
)

// LateError is why a task ended that cannot start before its deadline.
type LateError struct {
	Ready Time // how long after it arrived it could have started, as far as is known
}

func (*LateError) Error() string { return "orchestrator: too late" }

// FullError is why tasks were not taken in.
type FullError struct {
	Tasks   int   // that arrived
	Pending int   // that wait to start
	Weight  int64 // of these
	Oldest  Time  // how long the first of their route has waited
	Never   bool  // they would not fit if nothing waited
}

func (*FullError) Error() string { return "orchestrator: full" }
