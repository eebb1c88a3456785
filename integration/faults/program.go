package faults

import (
	"cmp"
	"context"
	"time"
)

// Program is the program of a replica, and what the harness must know of it. The zero value is weir's own. Another program calls
// process.Run with a limiter of its own.
type Program struct {
	Package string   // import path to build, as the module in the working directory sees it; weir's replica
	Flags   []string // further flags of each replica
	// Each says that a replica keeps its own rate, so that a change of the rate is sent to each. Otherwise one replica sets it for all.
	Each bool
	// Patience is how long a row waits for calls that are overdue. The row then goes on, and the figure [GivenUp] counts such waits.
	// Where Patience is zero the row waits until it is given up as a whole, which is an error.
	Patience time.Duration
}

// path is the import path of the program.
func (p Program) path() string {
	return cmp.Or(p.Package, "github.com/weir-go/weir/integration/faults/replica")
}

// GivenUp is the name of the figure of waits for calls that did not come. See [Program.Patience].
const GivenUp = "waits given up"

// Await waits until n calls have arrived since a time, of one replica, or of all where the name is empty.
func (w *World) Await(ctx context.Context, n int, since time.Duration, replica string) error {
	if w.program.Patience == 0 {
		return w.Provider.Await(ctx, n, since, replica)
	}
	seconds := min(float64(n)/w.perSecond(), 60) // of a budget of a day, only a burst is awaited
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

// setRate sets the rate of the whole fleet.
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
