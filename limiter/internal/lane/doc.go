// Package lane is the waiting side of a limiter: the callers of one route in one process, urgent or ordinary, and the
// reservations that they share. It knows no Redis: a [Store] answers one [Request] at a time.
//
//	Join, Batch ─→ queue ──┐                      ┌─→ Request ─→ Store
//	                       ├─→ settle ─→ run ─────┤
//	Return ──────→ pool ───┘     ↑                └─← reply ─→ pool
//	                             └── timer: the next due time, the turn in line, a reply that is overdue
//
// A caller joins the queue. [Lane.settle] is called whenever something has changed. It gives reservations of the pool
// to waiting callers, in order, and reports whether to make a request. One goroutine makes the requests of a lane, one
// at a time, while there are any, and ends. Callers that come meanwhile share the next request: there is no timer, and
// no added delay for a single caller. No caller makes a request itself, so a caller whose context ends returns at once.
// If the store is in the process' own memory a request takes no time: settle makes it at once, under the lock.
//
// A reservation belongs to the lane until it is due. Then the first waiting caller takes it, so that a caller that
// gives up wastes nothing. A reservation of several tokens serves callers of fewer. A reservation for which no caller
// waits goes back to the store.
//
// A lane that could not be served completely has a place in line, and asks again at the time that the store returned.
//
// A caller waits in one of four modes: until its reservation is due, until it is reserved, for an answer at once, or as
// a scheduler that takes what is available and comes back. While the store does not answer the first two keep waiting,
// and the others get the error.
package lane
