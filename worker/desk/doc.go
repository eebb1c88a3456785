// Package desk keeps analyses and their events, so that a client that loses its connection does not lose the paid work.
// It does not depend on HTTP or on the content of an analysis: an analysis is a function that reports events.
//
// # The model
//
//	Start ──> waiting ──> running ──> ended ──(Keep)──> forgotten
//	             │           │
//	             └───────────┴─ End, Close, or nobody reads for Linger: its context ends, then it ends with [Config.Last]
//
// An analysis has an id, which begins with the name of the replica, and a log of events, whose ids are 1, 2, 3 and so
// on. Any number of readers follow the log, each from the event after the last event that it has seen. A slow reader
// costs nothing, because all readers share the log.
//
// # The guarantee
//
// A reader gets every event after its start, once and in order, except events that a later event with the same key has
// replaced. When a log is full, and when an analysis ends, only the newest event of each key stays. The last events of
// an analysis always fit.
//
// The desk is bounded: running analyses, waiting analyses, readers, and the bytes of all. Until its end an analysis
// counts with the weight of its order and with [Config.LogBytes], afterwards with the size of its events. An order or
// reader beyond a bound is refused with a [FullError]. The desk never forgets an analysis early to make room.
//
// # When things fail
//
// An analysis that panics, or calls [runtime.Goexit], ends with [Config.Last] of a [PanicError]. An analysis that
// ignores the end of its context ends with [Config.Last] after [Config.Grace], and counts as running until it returns.
// The desk is in memory: its analyses are lost when the process ends.
//
// # Goroutines
//
// The desk owns a goroutine for each running analysis, and timers. [Desk.Close] ends them.
package desk
