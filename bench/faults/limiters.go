package main

import (
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// contestant is a limiter with the program of its replicas.
type contestant struct {
	name    string
	program faults.Program
}

// patience is how long a row waits for calls that are overdue. It is twice the longest fault. Only the fault of row 3 is longer, and that row
// does not wait for calls.
const patience = 20 * time.Second

// contestants returns all limiters, in the order of the columns.
func contestants() []contestant {
	all := []contestant{{"weir", faults.Program{Patience: patience}}}
	for _, name := range []string{"redis_rate", "ulule", "x/time/rate"} {
		all = append(all, contestant{name, faults.Program{
			Package: "github.com/weir-go/weir/bench/faults/replica", Flags: []string{"-limiter", name}, Each: true, Patience: patience,
		}})
	}
	return all
}
