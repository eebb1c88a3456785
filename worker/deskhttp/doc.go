// Package deskhttp is the HTTP interface of a [desk.Desk]: it starts analyses, streams their events, shows and ends
// them.
//
//	POST   a path of the caller, which calls [Handler.Start]   starts an analysis and streams it; Location names it
//	GET    {Path}/{id}                                         its state, as JSON
//	GET    {Path}/{id}/events                                  the stream again, after Last-Event-ID
//	DELETE {Path}/{id}                                         ends it; its readers get the last events
//
// A stream begins after the event in the header Last-Event-ID, which browsers send when they reconnect, or in the query
// parameter lastEventId, for programs that cannot set the header. If the client has seen all events of an ended
// analysis, the answer is 204, after which an EventSource stops reconnecting.
//
// Idempotency-Key has 1 to 255 visible ASCII characters. With it a repeated POST joins the analysis of the first POST
// and streams it from the beginning, or after Last-Event-ID. Only the replica that took the first POST knows the key,
// until ten minutes after the end of the analysis (see [desk.Config]).
//
// Refusals are problem details (RFC 9457): 400 for a malformed Last-Event-ID or key, 404 for an analysis that is
// unknown or forgotten, 413 for an analysis that is too large for the replica, 421 for an analysis of another replica,
// whose name is in the member "replica", 422 for a key of another body, and 503 with Retry-After if the replica is full
// or ends.
//
// On failure: a client that disconnects, or takes no bytes for the write timeout, loses only its stream.
//
// The package starts no goroutine.
package deskhttp
