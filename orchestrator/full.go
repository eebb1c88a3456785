package orchestrator

// Full is what becomes of a task for which there is no room. The zero value is Wait.
type Full int

const (
	// Wait lets whoever submits a task wait for room, until its context ends. The task has its place in the order of tasks
	// already: it may start before it has room. A task that submits tasks lends its slot meanwhile.
	Wait Full = iota
	// Refuse returns a [FullError]. A batch is taken whole or refused.
	Refuse
	// Shed ends the youngest of the least urgent tasks that wait with [ErrShed], if they are less urgent than the new ones,
	// and refuses the new ones otherwise.
	Shed
)
