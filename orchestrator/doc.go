// Package orchestrator runs tasks that call rate-limited APIs: a bounded number at a time, each when its token is due.
//
// # The model
//
// A task is a function with a context. It waits in the lane of its route, first in, first out. A slot is one of N
// concurrent executions; a reservation is leave, from the limiter, to start one call at its due time:
//
//	queued ──(a slot is free: ask the limiter)──> acquire ──(the reservation is due)──> execute ──> outcome
//
// Reservations belong to the lane, not to tasks: when one comes due, the task that is first in line then takes it (late
// binding), so that a task cancelled in the meantime wastes nothing. There are never more reservations than slots to
// use them. A busy lane asks for as many as it has slots for in one call, and while it stands in the fleet's line it holds
// no slot: a throttled route delays no other.
//
// The context a task runs with carries its reservation ([limiter.FromContext]) to the transport that sends its request.
// Where no transport takes it, the start of the function is its use.
//
// # The guarantee
//
// A task ends exactly once: with its result, its error, the cause of its context's end, or [ErrClosed]. Panics and
// [runtime.Goexit] end that task alone, as errors. Outcomes of a batch come in the order of its tasks, one for each.
// A cancelled task that is queued ends at once; one that runs has its context cancelled and ends when it returns.
//
// # When things fail
//
// An error of the limiter ends the tasks it was asked for. The orchestrator does not retry.
//
// # Goroutines
//
// Queued tasks cost none. A lane that has tasks to ask for runs one; each executing task runs in one of its own.
// [Orchestrator.Close] waits for all of them. No lock is held while user code runs.
package orchestrator
