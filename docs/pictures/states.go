package main

import "strings"

// change is a step of a task from one state to another.
type change struct{ from, to string }

// changes are all steps that the picture shows. The names are those of orchestrator/internal/core.
func changes() []change {
	return []change{
		{"fresh", "waiting"}, {"fresh", "resting"},
		{"waiting", "asked"}, {"asked", "waiting"}, {"waiting", "executing"}, {"asked", "executing"},
		{"executing", "waiting"}, {"executing", "resting"}, {"resting", "waiting"},
		{"waiting", "over"}, {"asked", "over"}, {"resting", "over"}, {"executing", "over"},
		{"executing", "stuck"}, {"stuck", "over"},
	}
}

// outcomes are how a task can end. The names are the values of weir.task.outcome.
func outcomes() []string {
	return []string{"ok", "error", "cancelled", "timeout", "panic", "shed", "refused", "retries_spent", "handed_back"}
}

// statesPicture is where a task is from its arrival to its end.
func statesPicture() *canvas {
	c := newCanvas(392, "The states of a task",
		"A task arrives and waits in its lane. Its lane asks the limiter for a reservation. When a reservation is due, the first task of the lane executes. "+
			"An attempt ends the task, or the task rests until its next attempt. A task that has not started can leave at any time. "+
			"A task that is given up while its function runs has ended, and is stuck until the function returns.")
	c.box("group", 142, 34, 326, 208)
	c.text("quiet", begins, 13, 154, 54, "wait, without a slot")
	state := func(x, y, w float64, name, about string) { c.part(x, y, w, 52, name, about) }
	state(16, 176, 76, "fresh", "is new")
	state(150, 176, 104, "waiting", "in its lane")
	state(352, 176, 104, "asked", "its lane asked")
	state(566, 176, 106, "executing", "has a slot")
	state(720, 176, 64, "over", "ended")
	state(352, 46, 104, "resting", "until a time")
	state(556, 46, 128, "stuck", "ended, still runs")

	label := func(x, y float64, text string) { c.text("ink", middle, 12, x, y, text) }
	c.arrow("ink", point{92, 202}, point{150, 202}) // fresh, waiting
	label(117, 194, "arrive")
	c.arrow("ink", point{54, 176}, point{54, 72}, point{352, 72}) // fresh, resting
	label(256, 88, "held back at first")
	c.arrow("ink", point{254, 192}, point{352, 192}) // waiting, asked
	label(303, 186, "lane asks")
	c.arrow("ink", point{352, 212}, point{254, 212}) // asked, waiting
	label(303, 228, "not yet due")
	c.arrow("ink", point{456, 202}, point{566, 202}) // asked, executing
	label(512, 194, "it is due")
	c.arrow("ink", point{380, 98}, point{380, 136}, point{202, 136}, point{202, 176}) // resting, waiting
	label(290, 130, "its time has come")
	c.arrow("ink", point{590, 176}, point{590, 136}, point{430, 136}, point{430, 98}) // executing, resting
	label(526, 130, "try again")
	c.arrow("ink", point{202, 228}, point{202, 266}, point{600, 266}, point{600, 228}) // waiting, executing
	label(400, 260, "a reservation is due, and the task is the first then")
	c.arrow("ink", point{640, 228}, point{640, 302}, point{166, 302}, point{166, 228}) // executing, waiting
	label(400, 296, "the reservation came too late: the function did not run")
	c.arrow("ink", point{672, 202}, point{720, 202}) // executing, over
	label(696, 194, "finish")
	c.arrow("red", point{640, 176}, point{640, 98}) // executing, stuck
	c.text("red", begins, 12, 648, 144, "given up")
	c.arrow("red", point{684, 72}, point{736, 72}, point{736, 176})                 // stuck, over
	c.arrow("red", point{440, 34}, point{440, 18}, point{768, 18}, point{768, 176}) // waiting, asked and resting, over
	c.text("red", begins, 12, 472, 33, "leave: cancelled, too late, drained")

	c.text("quiet", begins, 13, 16, 336, "Outcomes of a task:")
	c.text("ink", begins, 13, 16, 356, strings.Join(outcomes(), ", "))
	c.text("quiet", begins, 13, 16, 378, "A task ends exactly once. Each attempt has a reservation of its own.")
	return c
}
