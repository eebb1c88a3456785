package orchestrator

// Full sets what happens to a task for which there is no room. The zero value is Wait.
type Full int

const (
	// Wait makes the caller that submits a task wait for room, until its context ends. The task already has its place
	// in the order of tasks: it may start before it has room. A task that submits tasks lends its slot meanwhile.
	Wait Full = iota
	// Refuse returns a [FullError]. A batch is accepted or refused as a whole.
	Refuse
	// Shed makes room if the waiting tasks are less urgent than the new ones: it ends the youngest of the least urgent
	// waiting tasks, with [ErrShed]. Otherwise it refuses the new tasks.
	Shed
)
