package report

import (
	"time"

	"github.com/weir-go/weir/limiter"
)

// Event is something that an operator has done.
type Event struct {
	At   time.Time `json:"at"`
	Of   string    `json:"of"`
	What string    `json:"what"`
	By   string    `json:"by"`
}

// Events are events as any terminal prints them.
func Events(events []limiter.Event) []Event {
	out := make([]Event, len(events))
	for i, e := range events {
		out[i] = Event{e.At.UTC(), Clean(e.Of), Clean(e.What), Clean(e.By)}
	}
	return out
}
