package orchestrator

import "fmt"

// Class is how urgent a task is. The zero value is Normal.
type Class int8

// The classes. A task is served as if it had been queued later than it was, by nothing if it is urgent, by
// [Config.Ageing] if it is normal and by twice that if it can wait. So each class is first in, first out, an urgent task
// passes those of others that wait not too long already, and none is ever overtaken by one that was queued more than
// twice [Config.Ageing] after it.
const (
	Normal Class = iota
	// Urgent tasks go before all others of their orchestrator. In the line of the fleet they pass others within half of the rate
	// ([limiter.Urgent]).
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
