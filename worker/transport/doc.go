// Package transport makes every HTTP request pay for itself: one token of its route for each round trip, taken at the
// moment of sending.
//
// A task that the orchestrator starts holds one reservation, in its context. The first round trip that the task makes
// on the reservation's route spends it. Whatever else the task sends (the second leg of a redirect, the refresh of a
// token, a call to another provider, a request so long after the reservation was due that it no longer counts) waits
// for a token of its own. A task that believes it makes one call can therefore make three without breaking the budget.
//
// The guarantee is about round trips as net/http hands them to a [net/http.RoundTripper]. Below that line net/http
// itself sends an idempotent request a second time when a kept-alive connection dies under it. Whoever must exclude
// that sets DisableKeepAlives on the base transport.
//
// When the wait fails, nothing was sent: the request's body is closed and the error says which route it waited for. A
// round trip is never repeated here, whatever the provider answers; retries belong to the orchestrator, where each
// attempt is a reservation.
//
// The package starts no goroutine and holds no state.
package transport
