// Package lane is the waiting side of a limiter: the callers of one route in one process, urgent or ordinary, and the
// reservations that they share. It knows no Redis: a [Store] answers one [Request] at a time.
//
//	Join, Batch ─→ queue ──┐                      ┌─→ Request ─→ Store
//	                       ├─→ settle ─→ run ─────┤
//	Return ──────→ pool ───┘     ↑                └─← reply ─→ pool
//	                             └── timer: the next due time, the turn in line, a reply that is overdue
//
// A caller joins the queue. [Lane.settle] is called whenever something has changed. It hands reservations of the pool to those who
// wait, in order, and says whether a request is to be made. One goroutine makes the requests of a lane, one at a time, for as long as
// there are any, and ends. Callers that come meanwhile share the next request: no timer, and no added delay for a single caller.
// No caller makes a request itself, so that a context that ends is noticed at once. Where the store is in the process' own memory a
// request takes no time: settle makes it on the spot, under the lock.
//
// A reservation belongs to the lane until it is due. Then the first who waits takes it, so that a caller that gives up wastes nothing.
// A reservation of several tokens serves callers of fewer. A reservation for which no caller waits goes back to the store.
//
// A lane that could not be served whole has a place in line, and asks again when the store says so.
//
// A caller waits in one of four modes: until its reservation is due, until it is reserved, for an answer at once, or as a scheduler
// that takes what there is and comes back. While the store does not answer the first two wait on, and the others get the error.
package lane
