// Package worker is a replica: an HTTP server that analyses playlists, with its limiter, its orchestrator and the
// clients of three providers.
//
//	POST   /v1/playlists/analyze                a playlist in a format of package playlist; of several in one file, ?playlist=NAME;
//	                                            answers a stream of server-sent events, whose Location names the analysis
//	GET    /v1/playlists/analyses/{id}          whether the analysis waits, runs or has ended
//	GET    /v1/playlists/analyses/{id}/events   the stream again, after the header Last-Event-ID
//	DELETE /v1/playlists/analyses/{id}          ends the analysis
//	GET    /livez                               200 while the process is alive, whatever Redis does
//	GET    /readyz                              200 while it takes analyses: Redis answers, and the replica does not end; the reason
//	                                            of a 503 is in the log
//
// Package gate decides who may call, and how much the replica accepts at a time: [Config.Gate]. Without a token every
// client that reaches the port can start analyses, except web pages of other sites. A request beyond a bound gets 413
// or 503 as problem+json, the latter with Retry-After.
//
// The events of a stream are thinking {"text"}, progress {"phase","done","total","all_done","all_total"}, position
// (every 3 s while calls wait for a second or more: [Position]), result (the analysis) or error
// {"error","tasks","ended"}, and always last done {}. Each event has an id, a whole number that grows.
//
// An analysis outlives its connections. It ends when no client has followed it for a minute, and its events are kept
// for ten minutes after its end (see [desk.Config], the field Desk of [Config]). Only one replica knows the analysis
// and its idempotency key. The id of the analysis contains the name of that replica; other replicas answer 421 with the
// name. Package deskhttp lists the refusals.
//
// No answer of a provider and no playlist ends the process: see package analysis. A panic ends one analysis, with an
// error event.
//
// Each provider has a bucket of its own before the shared bucket. So calls to a provider that refuses stop, and calls
// to the others continue. An analysis ends with an error at its deadline. It ends earlier, and makes no further calls,
// if a provider that it needs asks to wait beyond the deadline.
//
// A replica that has never reached Redis has no share of the budget. It answers HTTP, is not ready, and keeps trying to
// connect.
//
// [Anthropic], [Spotify], [LastFM] and [Batch] are for programs with an orchestrator of their own: they run calls as
// tasks on the route of a provider, and log how each call ended, how long it waited and how long it ran.
//
// [Worker.Serve] owns every goroutine. When its context ends, the replica ends in order, with a log line for each step.
// First it is no longer ready. After a grace it accepts no more analyses and ends uploads. Analyses that run and are
// followed may end within the drain time. Analyses that wait or that no client follows end at once with [ErrEnding],
// and so do the rest after the drain time; their streams receive error and done. Then tasks end, reservations go back,
// and the replica leaves the fleet's list. The last steps have times of their own, so that they have time even after a
// full drain.
package worker
