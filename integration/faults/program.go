package faults

import (
	"cmp"
	"context"
	"time"
)

// Program is the program of a replica, and the properties of it that the harness needs. The zero value is the program of weir. Another program
// calls process.Run with a limiter of its own.
type Program struct {
	Package string   // import path of the program, built from the module in the working directory; if empty, weir's replica
	Flags   []string // further flags of each replica
	// Each means that every replica has a rate of its own. The harness then sends a new rate to every replica; otherwise it sends it to one.
	Each bool
	// Patience is how long a row waits for calls that are overdue. After that the row goes on, and the figure [GivenUp] counts the wait.
	// With zero, the row waits until its time is up, which is an error.
	Patience time.Duration
}

// path returns the import path of the program.
func (p Program) path() string {
	return cmp.Or(p.Package, "github.com/weir-go/weir/integration/faults/replica")
}

// GivenUp is the name of the figure that counts the waits for calls that did not arrive. See [Program.Patience].
const GivenUp = "waits given up"

// Await waits until n calls of a replica have arrived since a time. With an empty name it counts the calls of all replicas. It returns nil if it
// gives up after [Program.Patience], and an error if ctx ends first.
func (w *World) Await(ctx context.Context, n int, since time.Duration, replica string) error {
	if w.program.Patience == 0 {
		return w.Provider.Await(ctx, n, since, replica)
	}
	seconds := min(float64(n)/w.perSecond(), 60) // with a budget of a day, the calls of the rate would take hours
	due := since + time.Duration(seconds*float64(time.Second))
	limit, cancel := context.WithTimeout(ctx, due+w.program.Patience-w.Provider.Now())
	defer cancel()
	err := w.Provider.Await(limit, n, since, replica)
	if err == nil || ctx.Err() != nil {
		return err
	}
	w.givenUp++
	return nil
}

// setRate sends a word that sets the rate, to one replica or to each, so that it applies to the whole fleet.
func (w *World) setRate(ctx context.Context, word string) error {
	for _, r := range w.Fleet {
		if _, err := r.Ask(ctx, word); err != nil {
			return err
		}
		if !w.program.Each {
			break
		}
	}
	return nil
}
