package main

import "strings"

// step is an arrow from a state of a task, or from each of several, to another state.
type step struct {
	from   []string
	to     string
	ink    string
	path   []point
	label  string
	anchor string
	at     point // of the label
}

// steps returns all arrows of the picture. The names are those of orchestrator/internal/core.
func steps() []step {
	one := func(from, to, label string, at point, path ...point) step {
		return step{[]string{from}, to, "ink", path, label, middle, at}
	}
	return []step{
		one("fresh", "waiting", "arrive", point{117, 194}, point{92, 202}, point{150, 202}),
		one("fresh", "resting", "held back at first", point{256, 88}, point{54, 176}, point{54, 72}, point{352, 72}),
		one("waiting", "asked", "lane asks", point{303, 186}, point{254, 192}, point{352, 192}),
		one("asked", "waiting", "not yet due", point{303, 228}, point{352, 212}, point{254, 212}),
		one("asked", "executing", "it is due", point{512, 194}, point{456, 202}, point{566, 202}),
		one("resting", "waiting", "its time has come", point{290, 130}, point{380, 98}, point{380, 136}, point{202, 136}, point{202, 176}),
		one("executing", "resting", "try again", point{526, 130}, point{590, 176}, point{590, 136}, point{430, 136}, point{430, 98}),
		one("waiting", "executing", "a reservation is due, and the task is the first", point{400, 260},
			point{202, 228}, point{202, 266}, point{600, 266}, point{600, 228}),
		one("executing", "waiting", "the reservation came too late: the function did not run", point{400, 296},
			point{640, 228}, point{640, 302}, point{166, 302}, point{166, 228}),
		one("executing", "over", "finish", point{696, 194}, point{672, 202}, point{720, 202}),
		{[]string{"executing"}, "stuck", "red", []point{{640, 176}, {640, 98}}, "given up", begins, point{648, 144}},
		{[]string{"stuck"}, "over", "red", []point{{684, 72}, {736, 72}, {736, 176}}, "", begins, point{}},
		{
			[]string{"waiting", "asked", "resting"},
			"over", "red",
			[]point{{440, 34}, {440, 18}, {768, 18}, {768, 176}},
			"leave: cancelled, too late, drained", begins,
			point{472, 33},
		},
	}
}

// outcomes returns the ways in which a task can end. The names are the values of weir.task.outcome.
func outcomes() []string {
	return []string{"ok", "error", "cancelled", "timeout", "panic", "shed", "refused", "retries_spent", "handed_back"}
}

// statesPicture shows the states of a task from its arrival to its end.
func statesPicture() *canvas {
	c := newCanvas(392, "The states of a task",
		"A task arrives and waits in its lane. Its lane asks the limiter for a reservation. When a reservation is due, the first task of the lane executes. "+
			"An attempt ends the task, or the task rests until its next attempt. A task that has not started can leave at any time. "+
			"If a task is given up while its function runs, the task has ended, and is stuck until the function returns.")
	c.box("group", 142, 34, 326, 208)
	c.text("quiet", begins, 13, 154, 54, "wait, without a slot")
	c.part(16, 176, 76, 52, "fresh", "is new")
	c.part(150, 176, 104, 52, "waiting", "in its lane")
	c.part(352, 176, 104, 52, "asked", "its lane asked")
	c.part(566, 176, 106, 52, "executing", "has a slot")
	c.part(720, 176, 64, 52, "over", "ended")
	c.part(352, 46, 104, 52, "resting", "until a time")
	c.part(556, 46, 128, 52, "stuck", "ended, still runs")
	for _, s := range steps() {
		c.arrow(s.ink, s.path...)
		if s.label != "" {
			c.text(s.ink, s.anchor, 12, s.at.x, s.at.y, s.label)
		}
	}
	c.text("quiet", begins, 13, 16, 336, "Outcomes of a task:")
	c.text("ink", begins, 13, 16, 356, strings.Join(outcomes(), ", "))
	c.text("quiet", begins, 13, 16, 378, "A task ends exactly once. Each attempt has a reservation of its own.")
	return c
}
