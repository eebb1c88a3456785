package orchestrator

import "fmt"

// Class is how urgent a task is. The zero value is Normal.
type Class int8

// The classes. Tasks are served in the order of their queue time plus a handicap: none for Urgent, [Config.Ageing] for
// Normal, twice that for Background. So each class is first in, first out, an urgent task passes tasks of other classes
// that have not waited long yet, and no task is overtaken by a task that was queued more than twice [Config.Ageing]
// after it.
const (
	Normal Class = iota
	// Urgent tasks go first in their orchestrator, within the bound above. In the line of the fleet they pass other
	// calls, within half of the rate ([limiter.Urgent]).
	Urgent
	// Background is for tasks that no user waits for.
	Background
)

// classes is the number of classes.
const classes = 3

// rank orders classes from the most urgent, 0, to the least.
func (c Class) rank() uint8 { return [classes]uint8{Normal: 1, Urgent: 0, Background: 2}[c] }

func (c Class) check() error {
	if c < 0 || c >= classes {
		return fmt.Errorf("orchestrator: class %d: want Normal, Urgent or Background", c)
	}
	return nil
}

// String returns the name of the class in lower case.
func (c Class) String() string {
	if c.check() != nil {
		return fmt.Sprintf("class %d", int8(c))
	}
	return [classes]string{Normal: "normal", Urgent: "urgent", Background: "background"}[c]
}
