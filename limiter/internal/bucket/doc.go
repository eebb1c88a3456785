// Package bucket decides when calls may start: levels, windows, the line, and the joint decision over all limits of a
// route.
//
// The package is pure. It has no lock, no clock and no I/O; time is an argument, in microseconds of one clock that
// never goes back. The in-memory limiter is this package under a lock. The scripts in Redis are this package in Lua,
// and a test walks both side by side.
//
// # Level
//
// The level of a bucket is one time: full, at which the bucket will be full again.
//
//	tokens(now) = burst − (full − now)·rate
//
// This number is level, refill and debt in one. The n-th token from now arrives at full + (n − burst)·T, where T is the
// time of one token. A window keeps the due times of its last starts instead: its n-th token arrives one width after
// the n-th oldest of them.
//
// A call is charged to every limit of its route at its due time: full = max(full, due) + cost·T. That keeps each limit
// exactly, in whatever order the calls arrive.
//
// # The line
//
// A lane that cannot be served within the horizon gets an entry in the line of the limit that binds, ordered by
// arrival. An entry claims the tokens of one horizon at most. Each request of the lane replaces its entry. If some of
// its tokens were used, the rest keep their arrival. If none were, callers who have come since are added.
//
//	ahead        the tokens that older entries claim
//	need(limit)  when the token number ahead + cost of the limit arrives; an urgent call with share left has nothing ahead
//	due          the latest need of all limits; the limit that sets it binds
//
// A call is granted if its due time is within the horizon, and if no limit passes over tokens that others could use
// before then:
//
//	the limit that binds     due ≤ full, or at once; of a window, when its token would come without a line
//	each other limit         due ≤ full, or ≤ the need of the shared limit, or ≤ now + spare
//	spare                    0.4 of the horizon; where callers of other routes have sought the limit within a second, a
//	                         quarter of the burst, at least one token and 2 ms, at most 0.4 of the horizon
//
// Limits of one bucket are always charged together, so one of them may pass over the tokens of the others.
//
// A lane that is not served asks again before its need. If the shared limit binds, it asks earlier by the time of a
// token, within 0.3 and 0.4 of the horizon. Otherwise it asks earlier by 0.4 of what the other limits may spare, and at
// least as early as the shared limit is promised ahead, within that time. If that time is over but the need is not,
// older lanes have not asked yet: the lane asks again after a quarter of the rest.
//
// An entry whose first call could have started 20 ms ago is late. The next younger lane removes it, and the late lane
// comes back with the same arrival. A lane that has removed an entry comes back when the next entry would be late, so
// that a line of dead lanes ends soon. An entry ends with its caller: each request of a lane replaces it, and a lane
// without callers sends an empty request.
//
// Urgent entries come before all others. An urgent call passes the lines while urgent calls have used no more than half
// of the burst and half of the rate.
//
// # What is returned
//
// A reservation that is returned unused goes back into the buckets, if each limit can take at least half of it. Later
// reservations may have relied on its tokens being gone, for as long as the distance of the due times: that part is
// lost. Otherwise the reservation stays a spare, which serves calls of its cost or less by its due time.
//
// # Runs
//
// Equal asks are a run. A run is decided in one step for each limit that binds in turn, not in one step for each token.
// The due times of a run are an arithmetic progression; [Answer.Due] returns each of them.
package bucket
