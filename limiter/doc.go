// Package limiter shares a budget of calls among all replicas of a fleet, through Redis.
//
// A [Limiter] answers when a call may start, not whether: ask once, sleep once, go. Most callers should use
// [Limiter.Wait].
//
//   - [Limiter.Wait] sleeps until the call may start, or returns a [DeadlineError] as soon as it is known that the context
//     would end first.
//   - [Limiter.Reserve] returns a [Reservation]: leave to start one call at its due time. The caller does the sleeping.
//   - [Limiter.Allow] says whether a call may start at this moment, and takes the tokens only if it may.
//   - [Limiter.TryReserve] is for schedulers: several reservations in one call, or the time to come back at.
//
// Each has an N form for a call that costs n tokens.
//
// # The model
//
// A limit is a token bucket: so many tokens per duration, at most a burst of them at once. A bucket is the shared state
// of its limits under one name; a route is the buckets that one kind of call must pass, narrowest first, ending in the
// one all share. All buckets of a route are kept at once: a reservation is due when each of them has a token, and is
// charged to each at that due time. A bucket in which reservations are handed out ahead of refill is in debt.
//
// Nobody holds a reservation that is due further ahead than the horizon (250 ms). Who comes when that is full stands in
// line: a ticket costs no token, keeps first-come order across the fleet, and says when to come back. Nobody polls. An
// [Urgent] call passes the line, never what is reserved, within half the rate of a bucket.
//
// Reservations belong to the process, not to its callers: whoever waits first when one comes due takes it, so a caller
// that gives up wastes nothing. While one call to Redis is under way those who come meanwhile gather and share the next.
//
// Redis' clock decides. Replicas' clocks only measure durations: a due time is mapped to the local monotonic clock so
// that it is never early.
//
// # The guarantee
//
// In every window of length T the calls started by the whole fleet through a bucket number at most
// burst + rate·(T + slack). Slack (50 ms by default) is how late a reservation may be used; a later one is given up and
// taken again, so that a process that was frozen or suspended cannot fire what it held. "Never more than 40 in any
// second" therefore means rate + burst ≤ 40: a limit of 40 a second with a burst of 40 admits up to 82 in its first
// second.
//
// # When things fail
//
// A call to Redis that was sent twice, or whose reply was lost and asked for again, is answered once and paid once. A
// Redis that forgot (restarted empty or flushed) begins a new epoch in which every
// bucket is empty and in debt by the horizon: silence, never a second burst, because nothing that was forgotten is due
// later than that. The same holds for a promoted Redis replica that lags, as soon as somebody asks it who saw a grant that
// it lost; until then, and for ever if none of those asks in time, the grants lost by the lag are given twice, at most one
// burst of them. A process that dies takes at most a horizon of reservations with it. Redis out of reach is an error that wraps [ErrUnavailable]; nothing was started.
//
// # Goroutines
//
// A Limiter runs one goroutine per route while a call of that route is on its way to Redis, and none when idle; a route
// that somebody waits on has one timer. [Limiter.Close] waits for them. The Redis client is the caller's and is
// never closed.
package limiter
