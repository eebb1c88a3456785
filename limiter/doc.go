// Package limiter shares a budget of calls among all replicas of a fleet, through Redis.
//
// A [Limiter] answers when a call may start, not whether: ask once, sleep once, go. Most callers should use
// [Limiter.Wait].
//
//   - [Limiter.Wait] sleeps until the call may start, or returns a [DeadlineError] as soon as it is known that the context
//     would end first.
//   - [Limiter.Reserve] returns a [Reservation]: leave to start one call at its due time. The caller does the sleeping.
//   - [Limiter.Allow] says whether a call may start at this moment, and takes the tokens only if it may.
//   - [Limiter.ReserveBatch] is for schedulers: several reservations in one call, or the time to come back at.
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
// Nobody holds a reservation that is due further ahead than the horizon (250 ms). Once the horizon is fully reserved, further
// callers queue. The callers of one route in one process are a lane, and a lane that waits has one entry in the line of the
// limit that binds, ordered by the arrival of its oldest caller. The entry takes no token. It keeps first-come order across the
// fleet, says when the lane should ask again, and ends when the last caller of the lane leaves. Nobody polls; a lane asks once
// in 5 s at least, to hear of pauses and new limits. An [Urgent] call passes the line, never what is reserved, within half the
// rate of a bucket. The rules are in limiter/internal/bucket.
//
// A deadline is judged when the caller arrives: if the tokens for which all lanes wait, as far as they have announced it, come
// after the deadline, the caller gets a [DeadlineError] at once.
//
// Reservations belong to the process, not to its callers: whoever waits first when one comes due takes it, so a caller
// that gives up wastes nothing. What nobody in the process waits for goes back through Redis, with its due time, to the
// next replica that asks on the same buckets. While one call to Redis is under way those who come meanwhile gather and
// share the next.
//
// Redis' clock decides. Replicas' clocks only measure durations: a due time is mapped to the local monotonic clock so
// that it is never early while Redis' clock is steady. The section on the guarantee says what its steps do.
//
// # One configuration for the fleet
//
// Each replica says every 10 s that it lives and which limits it was configured with. Where replicas disagree about a
// bucket the smallest rate and the smallest burst hold for all, and so does a limit that only some of them have, until the
// last one that wants them has been silent for 30 s. The log names the bucket, what is wanted and by whom, once; a metric and
// [Limiter.Snapshot] say it all the time. Wishes age by 10 s at most between two announcements, so that neither a step of Redis'
// clock nor a silence raises a limit. [Limiter.Configure], [Limiter.Pause] and [Limiter.Resume] tell the whole fleet at run time.
// A call that is made by another configuration than the one in force is turned away by Redis and made again by that: a change
// costs each replica one call. Who stands in line hears of it within 5 s.
//
// What a namespace keeps in Redis does not grow with its replicas, routes and tenants, but for a line about each live replica and
// what has a time to live. [Remove] removes a namespace that nobody uses any more.
//
// # Tenants
//
// [Limiter.AddRoute] makes routes at run time, with a bucket for each tenant, say; [Limiter.RemoveRoute] ends them. Redis forgets their
// buckets when they are full. Routes that share such a bucket give it the same limits, or name it alone. In the process a
// route is its name, its path and the limits of its own bucket: at most 1 KB, some 300 bytes as a rule. The first call of
// a route makes its lane, of some 3 KB, and the first urgent call another; a lane that nobody uses is given up after a
// minute, 80 s at most, and made anew by the next call. A limiter in memory looks for such lanes while others are used.
//
// # The guarantee
//
// In every window of length T the calls started by the whole fleet through a bucket number at most
// burst + rate·(T + slack); of a window limit, at most its tokens in every stretch of its length, less slack. Slack (50 ms
// by default) is how late a reservation may be used; a later one is given up and taken again, so that a process that was
// frozen or suspended cannot fire what it held. "Never more than 40 in any second" therefore means rate + burst ≤ 40, or
// a window: a limit of 40 a second with a burst of 40 admits up to 82 in its first second.
//
// That law takes Redis' clock for time. A namespace has a time of its own, which follows that clock and never goes back:
//
//   - After a step back own time stands still until it has made up for the step, a second at most. Nothing is reserved
//     meanwhile. What passed between the last script and the step is lost as well.
//   - What a step back exceeds the second by is owed, 10 s at most, and taken off the next step forward of more than a second.
//     More than a second without a script counts as such a step. So a step back of an hour stops a namespace in use for a
//     second, and one that is seldom used for 11 s in all.
//   - A step forward gives at most one burst.
//
// A clock that wanders within a second D, from its earliest to its latest, adds D to T once, however often and in whatever way it
// does: the fleet starts at most burst + rate·(T + slack + D) calls. Steps of up to 11 s, back and forth, give at most one burst in all
// if each step forward is longer than a second. A clock that runs fast gives as much as it runs fast. Where it falls back by more
// than a second and rises again without such a step, each fall gives what it exceeds the second by.
//
// While own time stands still a due time may be early, by one round trip and by the time that it stands still at most. That is
// within D.
//
// A new limit keeps the number of tokens, and holds from the last reservation that is out, a horizon at most. A bucket is empty
// when a pause ends: its rate returns, not a burst.
//
// # When things fail
//
// A process that remembers nothing, and finds nothing in Redis, starts a namespace: each limit begins as [Limit.Begin] says. So do a
// limit that a deployment adds and a bucket of [Limiter.AddRoute].
//
// A call to Redis that was sent twice, or whose reply was lost and asked for again, is answered once and paid once.
//
// A Redis that forgot (restarted empty or flushed) begins a new epoch as soon as a process asks that remembers the former one. Every
// bucket is then empty and in debt by the horizon: silence, never a second burst, because nothing that was forgotten is due
// later than that. The limits that were in force stay so: the process that asks brings them.
//
// A limit is slow if it takes more than 12 s from empty to full: 1000 a day, say, or a window of 15 minutes. Replicas remember what
// Redis last told them of slow limits. For 11 s after a loss Redis collects what they remember; then the newest counts, and the limit
// goes on where it was, within 12 s of the loss. A window counts its starts at the latest time at which they can have been, so that
// some of them count for up to a 32nd of its length too long. What replicas took that died with Redis counts as far as another
// replica had heard of it, which it does every 10 s; the log says how many replicas were live before. Where Redis forgets
// again within these 11 s, what the fleet took meanwhile is not counted. Limits made at run time are not remembered: such a bucket
// begins empty, and such a window is shut for its length.
//
// The same holds for a promoted Redis replica that lags, as soon as somebody asks it who saw a grant that it lost; until then, and
// for ever if none of those asks in time, the grants lost by the lag are given twice, at most one burst of them. Where no process is
// left that remembers, or a new one asks first, a Redis that forgot gives what the limits begin with: at most one burst, and the
// limits that the new one wants, until one that remembers is heard, 10 s at most. A policy that evicts keys with a TTL can make a bucket of
// [Limiter.AddRoute] full, and shuts a window. A process that dies takes at most a horizon of reservations with it.
//
// Redis out of reach is an error that wraps [ErrUnavailable]; nothing was started. What Redis refuses for good, such as a wrong
// password or a permission that is missing, is [ErrRefused] with the reason that Redis gave, until it has been served once.
//
// What is read from Redis is checked like what is given. A record that was damaged is brought into the bounds of what calls can have
// made of it, or counts as lost: that gives a burst and a horizon's tokens at most each time, and every route is served again
// within 30 s; but a pause that is damaged may become one without end, which ends with [Limiter.Resume]. A key of another type is
// removed.
//
// Two versions of this package never share a namespace unnoticed. Each record in Redis begins with the version of its format. An
// older format is lost memory, and one line in the log; with a newer one every call fails and nothing is written.
//
// # Goroutines
//
// A Limiter on Redis runs one goroutine for as long as it lives, which says so, and one per route while a call of that
// route is on its way, unless a caller makes it itself: one that has no deadline does, where calls are quick, and notices
// the end of its context only with the reply. A route that somebody waits on has one timer. [Limiter.Close] waits for all
// of them. Where buckets are in memory a goroutine looks for idle lanes, every 10 s at most, and ends. The Redis client is the caller's and is never closed.
package limiter
