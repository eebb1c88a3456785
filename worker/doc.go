// Package worker is a replica: an HTTP server that analyses playlists, with its limiter, its orchestrator and the clients
// of three providers.
//
//	POST   /v1/playlists/analyze                a playlist in a format of package playlist; of several in one file, ?playlist=NAME;
//	                                            answers a stream of server-sent events, whose Location names the analysis
//	GET    /v1/playlists/analyses/{id}          whether the analysis waits, runs or has ended
//	GET    /v1/playlists/analyses/{id}/events   the stream again, after the header Last-Event-ID
//	DELETE /v1/playlists/analyses/{id}          ends the analysis
//	GET    /livez                               200 while the process is alive, whatever Redis does
//	GET    /readyz                              200 while it takes analyses: Redis answers, and the replica was not told to end; why not
//	                                            is in the log
//
// Who may call, and how much the replica takes at a time, is for the package gate: [Config.Gate]. Without a token whoever reaches the port
// can start analyses, except web pages of other sites. What is beyond a bound gets 413 or 503 as problem+json, the
// latter with Retry-After.
//
// The events of a stream are thinking {"text"}, progress {"phase","done","total","all_done","all_total"}, position (every 3 s while calls wait for
// a second or more: [Position]), result (the analysis) or error {"error","tasks","ended"}, and, always last, done {}. Each has an id, a whole number that grows.
//
// An analysis outlives its connections. It ends when nobody has followed it for a minute, and its events are kept for ten minutes after its
// end (see [desk.Config], the field Desk of [Config]). The analysis and its idempotency key are known to one replica, whose name is in the id;
// another replica answers 421 and names it. What is refused, and how, is said in package deskhttp.
//
// No answer of a provider and no playlist ends the process: see package analysis. A panic ends one analysis, with an error event.
//
// Each provider has a bucket of its own before the shared one, so that a provider that refuses calls is left alone and the others are not. An
// analysis ends with an error at its deadline. It ends before, and asks nobody for anything more, when a provider that it needs to the end asks
// to wait for longer.
//
// A replica that has never reached Redis has no share of the budget: it serves, is not ready, and keeps trying.
//
// [Anthropic], [Spotify], [LastFM] and [Batch] are for programs with an orchestrator of their own: they run calls as tasks on the route of a
// provider, and tell a logger how each call ended, how long it waited and how long it ran.
//
// [Worker.Serve] owns every goroutine. When its context ends, the replica ends in order, with a log line for each step: it is not ready any
// more; after a grace it takes no more analyses and ends uploads; those that run and are followed may end
// within the drain time; those that wait or that nobody follows are ended at once, and what is left after the drain time, with [ErrEnding], and
// their streams receive error and done; tasks end, reservations go back, and the replica leaves the fleet's list.
// The last steps have times of their own, so that a drain that was used up costs none of them.
package worker
