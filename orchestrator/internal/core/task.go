package core

import (
	"errors"
	"math"
	"time"
)

// Time is a moment, counted from the beginning of the orchestrator.
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
	Tokens int64  // of the bucket with the largest cost, 1 or more: the unit of turns
	Of     string // distinguishes costs that differ between buckets; "" if equal in all
}

// Kind holds the settings of tasks that were submitted with the same options. It is fixed.
type Kind struct {
	Share    string // the share of the tasks: see [queue]
	Cost     Cost   // one token at least
	Weight   int64  // the part of [Config.MaxWeight] that each waiting task takes
	Attempts uint8  // how often each runs at most
}

// Task is one piece of work. The caller sets the exported fields; they are fixed when the task arrives, except
// NotBefore and Rank. The other fields belong to the core.
type Task struct {
	*Kind

	Of       any  // a value for the caller
	Deadline Time // the latest start that the caller accepts; 0 for none
	// NotBefore is the earliest time to ask for the task, or for its next attempt. Zero is at once.
	NotBefore Time
	Rank      uint8 // the rank of its class
	Child     bool  // an executing task has submitted it

	state  state
	flags  flags
	tries  uint8
	lane   *Lane
	flow   *flow
	group  *Group
	loan   *loan
	why    error // its error, or the error with which it ends instead of another attempt
	since  Time  // when the task arrived
	number int64 // of its arrival
	first  Time  // when it first started
	ended  Time
	inLane listed // in its flow, its lane's front, or the tasks that execute or are stuck
	inAll  listed // in its group; after its end, in the tasks that ended together
	ahead  int64  // tokens that came to its flow before it

	// How it ended, fixed from then on.
	spent   bool // the retry budget did not allow for another attempt
	givenUp bool // its function still ran
	roomy   bool // the task had room

	inQueue, inRoom, inDeadlines int32 // places in heaps: of its flow or resting; outside or sheddable; deadlines
}

// state is the state of a task.
type state uint8

const (
	fresh     state = iota
	waiting         // in the queue of its lane
	asked           // in front of the queue: its lane has asked for a reservation
	resting         // until its next attempt, or until its caller releases it
	executing       // its function runs
	stuck           // its function still runs, after the task has ended
	over
)

// flags are properties that few tasks have.
type flags uint8

const (
	outside flags = 1 << iota // the task waits for room
	left                      // its caller has left: there is no further attempt
	hasSlot                   // the task has a slot
	again                     // the task is in its flow's heap
	named                     // the report of a drain names the task as stuck
)

func (t *Task) is(f flags) bool { return t.flags&f != 0 }
func (t *Task) set(f flags)     { t.flags |= f }
func (t *Task) clear(f flags)   { t.flags &^= f }

// Err returns the error of the task. It may be read once the task is in [Effects.Ended].
func (t *Task) Err() error { return t.why }

// Amend replaces the error of a task that is in [Effects.Ended]. Call it before the error is read elsewhere.
func (t *Task) Amend(err error) { t.why = err }

// BudgetSpent reports whether the task did not run again only because the retry budget of its route was spent.
func (t *Task) BudgetSpent() bool { return t.spent }

// HadRoom reports whether the task had room before it ended, or started without.
func (t *Task) HadRoom() bool { return t.roomy }

// GivenUp reports whether the function of the task still ran when the task ended.
func (t *Task) GivenUp() bool { return t.givenUp }

// Conclude sets the error of a task that never arrived.
func (t *Task) Conclude(since, ended Time, why error) { t.since, t.ended, t.why = since, ended, why }

// Outside reports whether the task waits for room. Only the core changes it.
func (t *Task) Outside() bool { return t.is(outside) }

// Waits reports whether the task waits to start, or for its next attempt. Only the core changes it.
func (t *Task) Waits() bool { return t.state == waiting || t.state == asked || t.state == resting }

// Started reports whether the task has run. Started, Waited, Ran and Tries may be read like Err.
func (t *Task) Started() bool { return t.tries > 0 }

// Since returns when the task arrived.
func (t *Task) Since() Time { return t.since }

// Waited returns how long the task waited for its first start, or until its end.
func (t *Task) Waited() Time {
	if t.Started() {
		return t.first - t.since
	}
	return t.ended - t.since
}

// Ran returns how long the task took from its first start.
func (t *Task) Ran() Time {
	if t.Started() {
		return t.ended - t.first
	}
	return 0
}

// Tries returns how often the task ran.
func (t *Task) Tries() int { return int(t.tries) }

// Next returns the next task in [Effects.Ended].
func (t *Task) Next() *Task { return t.inAll.next }

// virtual returns the arrival of a task plus the handicap of its class.
func (t *Task) virtual(ageing Time) Time {
	if t.Rank > Urgent && ageing > (never-t.since)/Time(t.Rank) {
		return never - Time(ranks-t.Rank) // so late that only the class counts
	}
	return t.since + Time(t.Rank)*ageing
}

// Reasons for which the core itself ends a task.
var (
	ErrClosed     = errors.New("orchestrator: closed")
	ErrHandedBack = errors.New("orchestrator: handed back")
	ErrStuck      = errors.New("orchestrator: still executing when closed")
	ErrShed       = errors.New("orchestrator: made room for a more urgent task")
)

// LateError is the error of a task that cannot start before its deadline.
type LateError struct {
	Ready Time // how long after its arrival the task could have started, as far as is known
}

func (*LateError) Error() string { return "orchestrator: too late" }

// FullError reports why tasks were not accepted.
type FullError struct {
	Tasks   int   // that arrived
	Pending int   // that wait to start
	Weight  int64 // of the pending tasks
	Oldest  Time  // how long the oldest task of their route has waited
	Never   bool  // the tasks would not fit even if nothing waited
}

func (*FullError) Error() string { return "orchestrator: full" }
