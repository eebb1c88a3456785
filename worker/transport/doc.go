// Package transport makes every HTTP request pay for itself: one payment on its route for each round trip, taken at the
// moment of sending. It reports to the limiter what the answers say about the provider's limits.
//
// # The model
//
// A task that the orchestrator starts holds one reservation, in its context. The first round trip that the task makes
// on the reservation's route spends it. Whatever else the task sends (the second leg of a redirect, the refresh of a
// token, a call to another provider, a request so long after the reservation was due that it no longer counts) waits
// for a token of its own. A task that believes it makes one call can therefore make three without breaking the budget.
//
// # Reports
//
// After each round trip the status and the headers of the answer are read by package evidence:
//
//	a refusal because of a quota, such as 429     limiter.Throttled, with the time that the provider asks to wait
//	a provider that cannot serve, such as 529     limiter.Overloaded
//	what is left of a quota                       limiter.Remaining, for the bucket that Quotas names
//
// The reservation that paid for the request reports them. Where no reservation paid, the [Waiter] reports them for the route, if it is a
// [Reporter]. A refusal that a provider hides in the body of an answer with status 200 is for its client to report. A round trip without an
// answer reports nothing.
//
// A report never makes a round trip fail. Reports do not wait, except a hold of more than 5 s: the limiter writes such a hold to Redis
// before it returns, so that the calls which follow the answer find the bucket shut. The answer waits for that write for a second at most,
// and not after the end of its request. The write goes on for 10 s at most. If it fails, the next refusal reports the hold again.
//
// # The guarantee
//
// The guarantee is about round trips as net/http hands them to a [net/http.RoundTripper]. Below that line net/http
// itself sends an idempotent request a second time when a kept-alive connection dies under it. Whoever must exclude
// that sets DisableKeepAlives on the base transport. A round trip that fails after its payment has paid, also where the connection was
// refused and nothing was sent.
//
// # When things fail
//
// When the wait fails, nothing was sent: the request's body is closed and the error says which route it waited for. A
// round trip is never repeated here, whatever the provider answers; retries belong to the orchestrator, where each
// attempt is a reservation.
//
// The wait for a token is part of the round trip. The Timeout of an [net/http.Client] therefore includes the wait: a client with a timeout
// of 10 s gives up a request that would wait for 11 s. Leave Timeout at 0 and bound the wait by the context of the request, or choose a
// timeout for the wait and the answer together.
//
// # Goroutines
//
// The package holds no state. It starts a goroutine for a report of a hold of more than 5 s, and no other.
package transport
