// Package transport makes every HTTP request pay for itself: one payment on its route for each round trip, taken at the
// moment of sending. It reports to the limiter what the answers say about the provider's limits.
//
//	rt, err := transport.Open(http.DefaultTransport, l, transport.Routes{Hosts: map[string]string{"api.github.com": "github"}})
//	client := &http.Client{Transport: rt}
//
// # The model
//
// A task that the orchestrator starts holds one reservation, in its context. The first round trip that the task makes
// on the reservation's route spends it. Whatever else the task sends (the second leg of a redirect, the refresh of a
// token, a call to another provider, a request so long after the reservation was due that it no longer counts) waits
// for a token of its own. A task that believes it makes one call can therefore make three without breaking the budget.
//
// [Open] chooses the route of a request by its host or by a function, and refuses a route that the limiter does not know. [New] is for requests
// of one route, and panics then. [Costs] and [Urgent] say how a request without a reservation pays. [NewContext] says so for one call.
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
// A request that failed has paid, because nobody knows whether the provider has counted it. The limiter never gets such a token back.
//
// net/http sends an idempotent request again by itself when a connection of before breaks under it, and HTTP/2 does when the server refused
// the stream. Both are below this package, which learns of them by [net/http/httptrace]: each further request waits for a token of its own
// before it is written. So does each request of a base that retries, for example where a client's own retries were put below the
// transport instead of above it; of their answers only the last is reported. If the context of the request ends during such a wait, net/http may
// still write the request before it notices. A limiter that is closed, or whose route was removed, does not hold them back. Whoever must exclude both sets
// DisableKeepAlives on the base. A base that does not use net/http's transport is one request to this package, whatever it sends.
//
// # Reports
//
// After each round trip the status and the headers of the answer are read by package worker/evidence:
//
//	a refusal because of a quota, such as 429            limiter.Throttled, with the time that the provider asks to wait
//	a provider that cannot serve, such as 503 and 529    limiter.Overloaded, with the time that the provider asks to wait
//	what is left of a quota                              limiter.Remaining, for the bucket that Quotas names
//
// The reservation that paid for the request reports them. Where no reservation paid, the [Waiter] reports them for the route, if it is a
// [Reporter]. A refusal that a provider hides in the body of an answer with status 200 is for its client to report. A round trip without an
// answer reports nothing.
//
// A 429 is an answer and no error. A task of an orchestrator that is to run again returns orchestrator.Again with the time of
// evidence.RetryAfter. The refusal is reported once all the same.
//
// A report never makes a round trip fail. Reports do not wait, except a hold of more than 5 s: the limiter writes such a hold to Redis
// before it returns, so that the calls which follow the answer find the bucket shut. The answer waits for that write for a second at most,
// and not after the end of its request. The write goes on for 10 s at most. If it fails, the next refusal reports the hold again.
//
// # When things fail
//
// When the wait fails, nothing was sent: the request's body is closed and the error says which route it waited for. A
// round trip is never repeated here, whatever the provider answers; retries belong to the orchestrator, or to the client above, and each attempt
// pays.
//
// # Timeouts
//
// The wait for a token is part of the round trip. The Timeout of an [net/http.Client] therefore includes the wait: a client with a timeout
// of 10 s gives up a request that would wait for 11 s. Clients with retries of their own then repeat it, and it waits again from the beginning. So
// leave Timeout at 0, and choose one of these instead:
//
//   - The context of the request bounds wait and answer together. The limiter refuses a request whose token comes after the
//     deadline at once, with a limiter.DeadlineError.
//   - ResponseHeaderTimeout of the base bounds the answer alone, without the wait.
//   - The orchestrator bounds the attempt alone: orchestrator.Timeout begins when the token is due.
//
// # Spans
//
// [Spans] makes a client span of each round trip, named by the template of its path. [ResendCount] has http.request.resend_count for whoever
// makes spans below. The wait is a span of the limiter, beside it.
//
// # Goroutines
//
// The package holds no state of calls. It starts a goroutine for a report of a hold of more than 5 s, and no other.
package transport
