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
// All but the last have an N form for a call that costs n tokens. [New] shares buckets through Redis, [NewMemory] keeps
// them in the process, [NewUnlimited] is for tests; Shadow in [Config] is for a roll-out.
//
// # The model
//
// A limit is a token bucket: so many tokens per duration, at most a burst of them at once; or a window: at most so many
// in any stretch of a duration. A bucket is the shared state of its limits under one name; a route is the buckets that one
// kind of call must pass, narrowest first, ending in the one all share. All limits of a route are kept at once: a
// reservation is due when each of them has a token, and is charged to each at that due time. A bucket in which
// reservations are handed out ahead of refill is in debt.
//
// Nobody holds a reservation that is due further ahead than the horizon (250 ms). Who comes when that is full stands in
// line: a ticket costs no token, keeps first-come order across the fleet, and says when to come back. Nobody polls. An
// [Urgent] call passes the line, never what is reserved, within half the rate of a bucket.
//
// Reservations belong to the process, not to its callers: whoever waits first when one comes due takes it, so a caller
// that gives up wastes nothing. What nobody in the process waits for goes back through Redis, with its due time, to the
// next replica that asks on the same buckets. While one call to Redis is under way those who come meanwhile gather and
// share the next.
//
// Redis' clock decides. Replicas' clocks only measure durations: a due time is mapped to the local monotonic clock so
// that it is never early.
//
// # One configuration for the fleet
//
// Each replica says every 10 s that it lives and which limits it was configured with. Where replicas disagree about a
// bucket the smallest rate and the smallest burst hold for all, and so does a limit that only some of them have, until the
// last one that wants them has been gone for 30 s; the log says so once, a metric and [Limiter.Snapshot] all the time.
// [Limiter.Configure], [Limiter.Pause] and [Limiter.Resume] tell the whole fleet at run time. A call that is made by
// another configuration than the one in force is turned away by Redis and made again by that: a change costs each replica
// one call. Who stands in line hears of it within 5 s.
//
// [Limiter.Route] makes routes at run time, with a bucket for each tenant, say. Redis forgets those when they are full.
//
// # The guarantee
//
// In every window of length T the calls started by the whole fleet through a bucket number at most
// burst + rate·(T + slack); of a window limit, at most its tokens in every stretch of its length, less slack. Slack (50 ms
// by default) is how late a reservation may be used; a later one is given up and taken again, so that a process that was
// frozen or suspended cannot fire what it held. "Never more than 40 in any second" therefore means rate + burst ≤ 40, or
// a window: a limit of 40 a second with a burst of 40 admits up to 82 in its first second.
//
// A new limit keeps the number of tokens, and holds from the last reservation that is out, a horizon at most.
//
// # When things fail
//
// A call to Redis that was sent twice, or whose reply was lost and asked for again, is answered once and paid once. A
// Redis that forgot (restarted empty or flushed) begins a new epoch in which every bucket is empty and in debt by the
// horizon, and every window shut for its length besides: silence, never a second burst, because nothing that was forgotten
// is due later than that. The same holds for a promoted Redis replica that lags, as soon as somebody asks it who saw a
// grant that it lost; until then, and for ever if none of those asks in time, the grants lost by the lag are given twice,
// at most one burst of them. A policy that evicts keys with a TTL can make a bucket of [Limiter.Route] full, and shuts a
// window. A process that dies takes at most a horizon of reservations with it. Redis out of reach is an error that
// wraps [ErrUnavailable]; nothing was started.
//
// # Goroutines
//
// A Limiter on Redis runs one goroutine for as long as it lives, which says so, and one per route while a call of that
// route is on its way, unless a caller makes it itself: one that has no deadline does, where calls are quick, and notices
// the end of its context only with the reply. A route that somebody waits on has one timer. [Limiter.Close] waits for all
// of them. The Redis client is the caller's and is never closed.
package limiter
