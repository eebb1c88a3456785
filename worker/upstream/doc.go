// Package upstream is a stand-in for three providers, Anthropic, Spotify and Last.fm, which answers as they do on
// the wire and refuses every call that is above the budget.
//
// # Model
//
// A request to a known path of a provider is an arrival. It is stamped on the monotonic clock and judged under one
// lock, before its body, its key or anything else is looked at, so the order of the stamps is the order of the
// verdicts. The verdict comes from token buckets (one shared by all, optionally one per API) and sliding windows,
// which are judged together: an arrival that one of them refuses is charged to none. Accepted arrivals are answered
// after a seeded wait; refused ones get 429 with Retry-After at once.
//
// Answers depend on the seed and on what was asked, waits and injected errors on the seed and on the number of the
// arrival, so a run can be repeated.
//
// # Guarantee
//
// Let C be burst + rate·slack. In every window of length T at most C + rate·T arrivals are accepted, and an arrival
// is refused only where accepting it would have broken a limit. Both hold exactly: levels are integers, in
// picotokens, and times are nanoseconds. The judge shares no code with the limiter that it checks.
//
// # Limits
//
// The process remembers the last 524,288 arrivals (8 MB), an hour of the plot, and 1,000 created playlists with at
// most 1,000,000 entries together; older ones are forgotten. Counters, the worst second and the use of the budget cover everything since the
// start or the last reset. Paths that no provider has are answered 404 and are not arrivals; neither are /stats,
// /stats/reset and /healthz.
//
// # Failure
//
// A request whose context ends before its wait does stays charged and is answered as the provider answers when it is
// unavailable. A body above 1 MiB is refused in the provider's own form, and stays charged as well.
//
// The package starts no goroutines; everything runs in those of the HTTP server that calls ServeHTTP.
package upstream
