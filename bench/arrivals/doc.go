// Command arrivals measures when the calls of a fleet arrive at a provider, under weir, under redis_rate, and without a limiter.
//
//	go -C bench run ./arrivals --json ../docs/pictures/arrivals.json
//
// It needs redis-server on the PATH, and takes about 40 seconds. The picture docs/pictures/arrivals.svg is drawn from the file.
//
// # What is played
//
// Four replicas have 100 calls each, and ten callers each that make them. Each replica has a client of Redis and a client of HTTP of its own.
// All replicas are in one process. The limiters have the rate and the burst of the provider. One limiter is played after the other, on an empty
// namespace.
//
// A caller waits until its limiter lets a call start, and sends the call. Where the provider refuses the call, the caller sleeps for
// Retry-After, in whole seconds as the header has it, and begins again with the wait.
//
// redis_rate answers whether a call may start, and has no wait. Its README shows a call of Allow, and a result that holds RetryAfter. Here its
// callers ask by Allow, sleep for RetryAfter where they are turned away, and ask again. weir is asked by Wait. Without a limiter the wait is none.
//
// # Who judges
//
// The provider stamps each call when its handler begins, and asks the judge of worker/upstream under one lock. The judge has a token bucket
// and the slack that weir documents. An accepted call is answered after 50 ms, a refused one at once.
//
// The file has the calls of each 100 ms since the callers began, accepted and refused ones apart, the longest time for which a call waited for its
// limiter, and the scripts that Redis ran meanwhile.
package main
