// Package upstream simulates three providers, Anthropic, Spotify and Last.fm. It answers as they do on the wire and
// refuses every call above the budget.
//
// # Model
//
// A request to a known path of a provider is an arrival. The server stamps it on the monotonic clock and judges it
// under one lock, before it reads the body, the key or anything else. So the order of the stamps is the order of the
// verdicts. If Anthropic's tokens are limited, the server reads the body of its requests before the stamp. The verdict
// comes from token buckets and windows, sliding or fixed: some shared by all APIs, some of one API, and some of
// Anthropic's tokens. All of them judge together: an arrival that one of them refuses is charged to none. Accepted
// arrivals are answered after a seeded wait; refused arrivals get 429 with Retry-After at once.
//
// Answers depend on the seed and on the request. Waits, injected errors and drawn lengths depend on the seed and on the
// number of the arrival. So a run can be repeated.
//
// The server refuses requests that the real providers refuse today: paths that Spotify removed for applications in
// development mode in 2026, a model that does not exist, a request without anthropic-version or max_tokens. If
// Config.Accounts are set, POST /api/token gives access tokens that expire, and a token is valid for what its user has
// consented to. A request to Anthropic with stream set is answered by events.
//
// # Scenarios
//
// A Config can also change the shared limit at certain times, add other clients with the same key, make calls of an API
// fail for a time, make refusals ask for a long wait, and choose the headers that state what is left. All times are
// since the start. Every field is optional.
//
// # Virtual time
//
// A Judge is the part that decides, without HTTP, clock or lock. A test in virtual time makes a Judge with NewJudge,
// calls Arrive for every call and, if tokens are limited, End for every accepted call.
//
// # Guarantee
//
// Let C be burst + rate·slack of a bucket. In every window of length T arrivals are charged at most C + rate·T. An
// arrival is refused only if it would exceed a limit, or because of a Stretch. Both hold exactly: levels are integers,
// and times are nanoseconds. The use of a call beyond its estimate is charged at its end, whatever is left; until that
// debt is paid no call is accepted. The judge shares no code with the limiter that it checks.
//
// # Limits
//
// The process remembers the last 524,288 arrivals (8 MB), an hour of the plot, and 1,000 created playlists with at most
// 1,000,000 entries together, and forgets older ones. Counters, the worst second and the use of the budget cover the
// time since the start or the last reset. Paths that no provider has are answered 404 and are not arrivals. /stats,
// /stats/reset, /livez and /readyz are no arrivals either.
//
// # Failure
//
// A request whose context ends during its wait stays charged and is answered as an unavailable provider answers. Of its
// output tokens those sent until then count. A body above 1 MiB is refused in the provider's own form, and stays
// charged as well. Calls that fail use no tokens.
//
// The package starts no goroutines; it runs in those of the HTTP server that calls ServeHTTP. Calls of strangers are
// simulated when the next call arrives.
package upstream
