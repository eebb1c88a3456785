package orchestrator

import (
	"fmt"
	"math"
	"time"
)

// Class is how urgent a task is. The zero value is Normal.
type Class int8

// The classes. A task is served as if it had been queued later than it was, by nothing if it is urgent, by
// [Config.Ageing] if it is normal and by twice that if it can wait. So each class is first in, first out, an urgent task
// passes those of others that wait not too long already, and none is ever overtaken by one that was queued more than
// twice [Config.Ageing] after it.
const (
	Normal Class = iota
	// Urgent tasks also pass the lines of the fleet ([limiter.Urgent]).
	Urgent
	// Background tasks are those that nobody waits for.
	Background
)

// classes is how many there are.
const classes = 3

// rank orders classes from the most urgent, 0, to the least.
func (c Class) rank() uint8 { return [classes]uint8{Normal: 1, Urgent: 0, Background: 2}[c] }

func (c Class) check() error {
	if c < 0 || c >= classes {
		return fmt.Errorf("orchestrator: class %d: want Normal, Urgent or Background", c)
	}
	return nil
}

// String is the name of the class in lower case.
func (c Class) String() string {
	if c.check() != nil {
		return fmt.Sprintf("class %d", int8(c))
	}
	return [classes]string{Normal: "normal", Urgent: "urgent", Background: "background"}[c]
}

// never is the virtual time of a queue without tasks.
const never = int64(math.MaxInt64)

// classQueue is the tasks of a lane that wait: a list for each class, and the rule that chooses between their heads.
type classQueue struct {
	lists [classes]list // by rank
	len   int
}

func (q *classQueue) push(t *task) {
	q.lists[t.rank].push(t)
	q.len++
}

// pushBack returns a task that had its turn before, to the place that its age gives it.
func (q *classQueue) pushBack(t *task) {
	l := &q.lists[t.rank]
	at := l.first
	for at != nil && at.queuedAt <= t.queuedAt {
		at = at.next
	}
	l.insert(t, at)
	q.len++
}

func (q *classQueue) remove(t *task) {
	q.lists[t.rank].remove(t)
	q.len--
}

// first is the task that is served next, by virtual time: the moment it was queued plus what its class waits for others.
// It is nil if there is none.
func (q *classQueue) first(ageing time.Duration) *task {
	var best *task
	at := never
	for rank := range q.lists {
		if t := q.lists[rank].first; t != nil {
			if v := t.virtual(ageing); v < at {
				best, at = t, v
			}
		}
	}
	return best
}

// last is the task that can wait best: the youngest of the least urgent class. It is nil if there is none.
func (q *classQueue) last() *task {
	for rank := classes - 1; rank >= 0; rank-- {
		if t := q.lists[rank].last; t != nil {
			return t
		}
	}
	return nil
}

// oldest is when the task that waits longest was queued; [never] if there is none.
func (q *classQueue) oldest() int64 {
	at := never
	for rank := range q.lists {
		if t := q.lists[rank].first; t != nil {
			at = min(at, t.queuedAt)
		}
	}
	return at
}

// virtual is when a task would have been queued if all classes were one.
func (t *task) virtual(ageing time.Duration) int64 { return t.queuedAt + int64(t.rank)*int64(ageing) }
