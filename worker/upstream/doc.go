// Package upstream is a stand-in for three providers, Anthropic, Spotify and Last.fm, which answers as they do on
// the wire and refuses every call that is above the budget.
//
// # Model
//
// A request to a known path of a provider is an arrival. It is stamped on the monotonic clock and judged under one
// lock, before its body, its key or anything else is looked at, so the order of the stamps is the order of the
// verdicts. Where Anthropic's tokens are limited, the body of its requests is read before the stamp. The verdict comes
// from token buckets and windows, sliding or fixed: some shared by all APIs, some of one API, and some of Anthropic's
// tokens. They are judged together: an arrival that one of them refuses is charged to none. Accepted arrivals are
// answered after a seeded wait; refused ones get 429 with Retry-After at once.
//
// Answers depend on the seed and on what was asked, waits, injected errors and drawn lengths on the seed and on the
// number of the arrival, so a run can be repeated.
//
// Requests that the providers of today would refuse are refused: paths that Spotify removed for applications in development mode in 2026, a
// model that does not exist, a request without anthropic-version or max_tokens. Where Config.Accounts are set, POST /api/token gives access
// tokens that end, and a token counts for what its user has consented to. A request to Anthropic that says stream is answered by events.
//
// # Scenarios
//
// A Config can also say that the shared limit changes at certain times, that other clients call with the same key,
// that calls of an API fail for a while, that refusals ask for a long wait, and in which fields the answers state what
// is left. All times are since the start. Every field is optional.
//
// # Virtual time
//
// A Judge is the part that decides, without HTTP, clock or lock. A test in virtual time makes one with NewJudge, calls
// Arrive for every call and, where tokens are limited, End for every accepted one.
//
// # Guarantee
//
// Let C be burst + rate·slack of a bucket. In every window of length T arrivals are charged at most C + rate·T, and an
// arrival is refused only where accepting it would have broken a limit, or because a Stretch says so. Both hold
// exactly: levels are integers, and times are nanoseconds. What calls use beyond their estimate is charged at
// their end, whatever is left; until that debt is paid nothing is accepted. The judge shares no code with the limiter
// that it checks.
//
// # Limits
//
// The process remembers the last 524,288 arrivals (8 MB), an hour of the plot, and 1,000 created playlists with at
// most 1,000,000 entries together; older ones are forgotten. Counters, the worst second and the use of the budget cover everything since the
// start or the last reset. Paths that no provider has are answered 404 and are not arrivals; neither are /stats,
// /stats/reset, /livez and /readyz.
//
// # Failure
//
// A request whose context ends before its wait does stays charged and is answered as the provider answers when it is
// unavailable. Of its output tokens those that came until then count. A body above 1 MiB is refused in the provider's
// own form, and stays charged as well. Calls that fail use no tokens.
//
// The package starts no goroutines; everything runs in those of the HTTP server that calls ServeHTTP. Calls of
// strangers are played when the next call arrives.
package upstream
