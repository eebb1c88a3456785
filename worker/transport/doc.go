// Package transport makes every HTTP request pay for itself: each round trip takes tokens on its route at the moment of
// sending. The package reports to the limiter what the answers contain about the provider's limits.
//
//	rt, err := transport.Open(http.DefaultTransport, l, transport.Routes{Hosts: map[string]string{"api.github.com": "github"}})
//	client := &http.Client{Transport: rt}
//
// # The model
//
// A task that the orchestrator starts holds one reservation, in its context. The task's first round trip on the
// reservation's route spends the reservation. Every other request of the task waits for a token of its own: the second
// request of a redirect, the refresh of an access token, a call to another provider, a request so long after the due
// time that the reservation no longer counts. So a task that is written as one call can make three requests without
// breaking the budget.
//
// [Open] chooses the route of a request by its host or by a function, and returns an error for a route that the limiter
// does not know. [New] is for requests of one route, and panics where Open returns an error. [Costs] and [Urgent] set
// how a request without a reservation pays. [NewContext] sets it for one call.
//
// # Which event pays
//
// Tokens are those of each bucket of the route, for a call that costs one. Requests are those that reach the provider.
//
//	event                                                      tokens  requests
//	an answer, whatever its status                             1       1
//	a redirect that the client follows                         2       2
//	a redirect that the client does not follow                 1       1
//	a retry of the client, after one failed attempt            2       2
//	a request that spends the reservation of its task          1       1
//	a connection that is refused                               1       0
//	a name that nobody knows                                   1       0
//	a host without a route                                     0       0
//	an answer that breaks off                                  1       1
//	net/http sends again, because the connection was broken    2       2
//	net/http does not send again: POST                         1       1
//	net/http does not send again: no keep-alive                1       1
//	net/http sends again, because HTTP/2 refused the stream    2       2
//	a base of the transport that retries, after one failure    2       2
//	cancelled while it waits for its token                     0       0
//	cancelled while it waits for the answer                    1       1
//	the client's timeout passes before its token comes         0       0
//	the client's timeout passes before the answer comes        1       1
//	a deadline before its token                                0       0
//	a limiter that is closed                                   0       0
//
// A request that failed has paid, because the provider may have counted it. Its tokens are not returned to the limiter.
//
// net/http sends an idempotent request again on its own in two cases: a reused connection breaks, or an HTTP/2 server
// refuses the stream. This happens below the package, which observes it through [net/http/httptrace]: each further
// request waits for a token of its own before it is written. The same holds for each request of a base that retries,
// for example if a client's own retries are below the transport instead of above it. Of their answers only the last is
// reported. If the context of the request ends during such a wait, net/http may still write the request before it
// notices. A closed limiter, or a removed route, does not stop such requests. To exclude both, set DisableKeepAlives on
// the base. The package counts one request for a base that does not use net/http's transport, whatever that base sends.
//
// # Reports
//
// After each round trip package worker/evidence reads the status and the headers of the answer:
//
//	a refusal because of a quota, such as 429            limiter.Throttled, with the time that the provider asks to wait
//	a provider that cannot serve, such as 503 and 529    limiter.Overloaded, with the time that the provider asks to wait
//	what is left of a quota                              limiter.Remaining, for the bucket that Quotas names
//
// The reservation that paid for the request sends the report. If no reservation paid, the [Waiter] sends it for the
// route, if it is a [Reporter]. Some providers refuse in the body of an answer with status 200: the provider's client
// must report such a refusal. A round trip without an answer reports nothing.
//
// A 429 is an answer and no error. A task of an orchestrator that should run again returns orchestrator.Again with the
// time of evidence.RetryAfter. Even then the refusal is reported only once.
//
// A report never makes a round trip fail. Reports do not wait, except a hold of more than 5 s: the limiter writes such
// a hold to Redis before Report returns, so that the calls after the answer find the bucket shut. The answer waits for
// that write for a second at most, and not after the end of its request. The write continues for 10 s at most. If it
// fails, the next refusal reports the hold again.
//
// # When things fail
//
// When the wait fails, nothing was sent: the request's body is closed and the error names the route. The package never
// repeats a round trip, whatever the provider answers. Retries belong to the orchestrator, or to the client above, and
// each attempt pays.
//
// # Timeouts
//
// The wait for a token is part of the round trip. The Timeout of an [net/http.Client] therefore includes the wait: a
// client with a timeout of 10 s gives up a request that would wait for 11 s. Clients with retries of their own then
// repeat the request, which waits again from the beginning. So leave Timeout at 0, and choose one of these instead:
//
//   - The context of the request bounds wait and answer together. If the token would come after the deadline, the
//     limiter refuses the request at once, with a limiter.DeadlineError.
//   - ResponseHeaderTimeout of the base bounds the answer alone, without the wait.
//   - The orchestrator bounds the attempt alone: orchestrator.Timeout begins when the token is due.
//
// # Spans
//
// [Spans] makes a client span of each round trip, named by the template of its path. [ResendCount] returns
// http.request.resend_count for a base that makes spans of its own. The wait is a span of the limiter, beside the
// client span.
//
// # Goroutines
//
// The package keeps no state of calls. It starts a goroutine for a report of a hold of more than 5 s, and no other.
package transport
