// Package desk keeps analyses and their events, so that the connection on which somebody follows an analysis can be lost and the paid work
// is not. It knows nothing of HTTP and nothing of what an analysis does: an analysis is a function that reports events.
//
// # The model
//
//	Start ──> waiting ──> running ──> ended ──(Keep)──> forgotten
//	             │           │
//	             └───────────┴─ End, Close, or nobody reads for Linger: its context ends, then it ends with [Config.Last]
//
// An analysis has an id, which begins with the name of the replica, and a log of events, whose ids are 1, 2, 3 and so on. Any number of
// readers follow the log, each from the event after the last one that it has seen. A reader that falls behind costs nothing: its events are
// in the log for all.
//
// # The guarantee
//
// A reader sees every event after its start, once and in order, except for those that a later event with the same key made worthless: when
// a log is full, and when an analysis ends, of each key the newest event stays. The last events of an analysis always fit.
//
// What the desk holds is bounded: analyses that run, that wait, readers, and the bytes of all. An analysis counts with the weight that its
// order names and with [Config.LogBytes] until it ends, and after it with what its events really take. What does not fit is refused with a
// [FullError]; nothing is thrown away before its time to make room.
//
// # When things fail
//
// An analysis that panics, or calls [runtime.Goexit], ends with [Config.Last] of a [PanicError]; one that ignores the end of its context ends
// so after [Config.Grace], and keeps its place among the running until it returns. The desk is in memory: what a replica knows ends with it.
//
// # Goroutines
//
// The desk owns a goroutine for each analysis that runs, and timers. [Desk.Close] ends them.
package desk
