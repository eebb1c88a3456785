// Package worker is a replica: an HTTP server that analyses playlists, with its limiter, its orchestrator and the clients
// of three providers.
//
//	POST /v1/playlists/analyze   a CSV as Exportify writes it, or JSON; answers a stream of server-sent events
//	GET  /livez                  the process turns over, whatever Redis does
//	GET  /readyz                 it takes analyses: Redis answers and it is not draining
//
// The events of a stream are thinking {"text"}, progress {"phase","done","total","all_done","all_total"}, result (the
// analysis) or error {"error","tasks","ended"}, and, always last, done {}. A client that goes away ends its analysis.
//
// Each provider has a bucket of its own before the shared one, so that a provider that refuses calls is left alone and the others are not. An
// analysis ends with an error at its deadline. It ends before, and asks nobody for anything more, when a provider that it needs to the end asks
// to wait for longer.
//
// A replica that has never reached Redis has no share of the budget: it serves, is not ready, and keeps trying.
//
// [Worker.Serve] owns every goroutine. When its context ends it drains: no new analyses, those that run may end within
// the drain time, then their contexts are cancelled; what the fleet knows of it is taken back last.
package worker
