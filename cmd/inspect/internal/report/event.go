package report

import (
	"time"

	"github.com/weir-go/weir/limiter"
)

// Event is a change that an operator has made.
type Event struct {
	At   time.Time `json:"at"`
	Of   string    `json:"of"`
	What string    `json:"what"`
	By   string    `json:"by"`
}

// Events returns events of the limiter, with texts that are safe on a terminal.
func Events(events []limiter.Event) []Event {
	out := make([]Event, len(events))
	for i, e := range events {
		out[i] = Event{e.At.UTC(), Clean(e.Of), Clean(e.What), Clean(e.By)}
	}
	return out
}
