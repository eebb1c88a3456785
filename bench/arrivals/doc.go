// Command arrivals measures when the calls of a fleet arrive at a provider: with weir, with redis_rate, and without a limiter.
//
//	go -C bench run ./arrivals --json ../docs/pictures/arrivals.json
//
// It needs redis-server on the PATH, and takes about 40 seconds. The picture docs/pictures/arrivals.svg is drawn from the file.
//
// # What is played
//
// Each of four replicas has 100 calls, and ten callers that make them. Each replica has its own Redis client and its own HTTP client.
// All replicas are in one process. The limiters have the rate and the burst of the provider. One limiter is played after the other, each in an
// empty namespace.
//
// A caller waits until its limiter lets a call start, and sends the call. If the provider refuses the call, the caller sleeps for
// Retry-After, which is in whole seconds, and begins again with the wait.
//
// With weir, a caller calls Wait. redis_rate has no wait: its README shows a call of Allow, whose result has RetryAfter. Therefore a caller of
// redis_rate calls Allow, sleeps for RetryAfter if it is refused, and calls Allow again. Without a limiter a caller does not wait.
//
// # Who judges
//
// The provider takes the time of each call when its handler begins, and asks the judge of worker/upstream, one call at a time. The judge has a
// token bucket and the slack that weir documents. The provider answers an accepted call after 50 ms, and a refused call at once.
//
// The file has, for each 100 ms since the callers began, the accepted and the refused calls. It also has the longest time for which a call
// waited for its limiter, and the number of scripts that Redis ran.
package main
