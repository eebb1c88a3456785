// Package deskhttp answers HTTP for a [desk.Desk]: it starts analyses, streams their events, shows and ends them.
//
//	POST   a path of the caller, which calls [Handler.Start]   starts an analysis and streams it; Location names it
//	GET    {Path}/{id}                                         its state, as JSON
//	GET    {Path}/{id}/events                                  the stream again, after Last-Event-ID
//	DELETE {Path}/{id}                                         ends it; its readers get the last events
//
// A stream begins after the event that the header Last-Event-ID names, as browsers send it when they reconnect, or the query parameter
// lastEventId, for programs that cannot set the header. A stream that would be empty because everything was seen answers 204, at which an
// EventSource stops to reconnect.
//
// Idempotency-Key, 1 to 255 visible ASCII characters, makes the repetition of a POST join the analysis of the first, which it streams from the
// beginning, or after Last-Event-ID. The key holds in the replica that took the first POST, until ten minutes after the end of the analysis
// (see [desk.Config]); another replica does not know it.
//
// Refusals are problem details (RFC 9457): 400 for a Last-Event-ID or a key that cannot be, 404 for an analysis that is not known or no longer,
// 413 for one that is too large for the replica, 421 for one that another replica has, whose name is in the member "replica", 422 for a key of
// another body, and 503 with Retry-After where the replica is full or ends.
//
// On failure: a client that is gone, or takes nothing for the write timeout, loses its stream and nothing else.
//
// The package starts no goroutine.
package deskhttp
