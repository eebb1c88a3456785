// Package limiter shares a budget of calls among the callers of one process, or among all replicas of a fleet, through
// Redis. A [Limiter] answers when a call may start. The caller asks once, sleeps once, and goes. In one process:
//
//	l, err := limiter.NewMemory(limiter.SingleBucket("spotify", limiter.PerSecond(40, 40))) // 40 a second, burst 40
//	defer l.Close(ctx)
//	err = l.Wait(ctx, "spotify")
//
// In a fleet:
//
//	l, err := limiter.New(ctx, rdb, limiter.SingleBucket("spotify", limiter.PerSecond(40, 40)))
//	defer l.Close(context.WithoutCancel(ctx))
//	err = l.Wait(ctx, "spotify")
//
// Use this if you want that:
//
//   - One process, or tests in virtual time: [NewMemory]. The sections "The model", "Costs", "A provider that refuses"
//     and the first paragraph of "The guarantee" are enough. The rest is about fleets.
//   - One budget for a fleet: [New]. All processes with the same Config.Namespace share.
//   - Tests without waiting: [NewUnlimited]. A roll-out that delays no call: Config.Shadow.
//   - A call that can wait: [Limiter.Wait] sleeps until the call may start. Most callers should use it.
//   - Something else to do meanwhile: [Limiter.Reserve] returns a [Reservation], permission to start one call at its
//     due time.
//   - Now or not at all: [Limiter.Allow] takes tokens only if the call may start now.
//   - A server that answers 429 itself: [Limiter.Decide] is Allow that also returns when to try again and what is left.
//   - A scheduler: [Limiter.ReserveBatch] makes several reservations in one request, or returns the time to ask again.
//   - Why something waits: [Limiter.Where] returns when a call could start that came now. It takes nothing.
//
// Wait, Reserve and Allow have an N form for a call that costs n tokens. A [Route] has the verbs of one route.
//
// # The model
//
// A limit is a token bucket or a window. A token bucket gives so many tokens per duration, at most a burst of them at
// once. A window admits at most so many starts in any period of a duration. A bucket is the shared state of its limits
// under one name. A route is the list of buckets that one kind of call passes, narrowest first, ending in the bucket
// that all routes share. A call passes all limits of its route at once: its reservation is due when each limit has a
// token, and each limit is charged at that due time. A bucket is in debt while reservations are ahead of its refill.
//
// A reservation is due at most a horizon ahead (250 ms by default). Once the horizon is fully reserved, further callers
// queue and sleep until their turn. Nobody polls. First come, first served holds across the fleet, with one exception:
// callers of one replica may pass callers of another that came up to a horizon earlier, because callers gather while
// their replica holds reservations that are not due yet. An [Urgent] call passes the line, within half of each rate,
// and never passes a reservation.
//
// The limiter judges a deadline when the caller arrives. If the tokens for which others already wait come after the
// deadline, the caller gets a [DeadlineError] at once, and takes nothing.
//
// The callers of one route in one process are a lane. They share requests and one entry in the line. A lane asks at
// least once in 5 s, to learn of pauses and new limits, and at once for a caller that has a deadline or wants an answer
// at once. The packages limiter/internal/lane and limiter/internal/bucket have the rules.
//
// Reservations belong to the process. When one comes due, the first caller in the queue takes it, so that a caller that
// gives up wastes nothing. A reservation of several tokens serves several callers of fewer. If no caller of the process
// waits, the reservation goes back through Redis, with its due time, to the next replica that asks on the same buckets.
//
// Time comes from Redis' clock. The clocks of replicas only measure durations. A due time is mapped to the local
// monotonic clock so that it is never early while Redis' clock is steady.
//
// # Differences from golang.org/x/time/rate
//
//	x/time/rate                               this package
//	a float64 of tokens per second            Tokens per Per, exact at any rate: 5 per day stays 5 per day
//	Allow, Reserve, Wait                      the same, with a context, a route and an error
//	Reserve returns at once, due at any time  Reserve returns when the due time is at most a horizon away
//	above the burst OK is false, Wait fails   ReserveN and WaitN return an ExceedsBurstError
//	Reservation.Delay, then the call          Delay, then Use: it is true once, in time, on its own route
//	Cancel restores what later ones allow     the same; else it serves another caller by its due time
//	Wait returns a plain error                Wait returns a DeadlineError that matches context.DeadlineExceeded
//	Inf is a rate without a limit             NewUnlimited
//	SetLimit, SetBurst                        Configure, for the whole fleet
//
// docs/migration.md has every difference, and those from other limiters.
//
// # Costs
//
// A call takes one token of each bucket of its route; the verbs with N take N. Providers of language models count
// requests and tokens separately. There each bucket has a unit of its own, and [Costs] is what a call takes of each.
// Such a call starts when every bucket has what the call takes. A reservation with Costs serves only a call of the same
// Costs in this process.
//
// The cost of a call may be known only when the call has ended. Such a call reserves an estimate, and
// [Reservation.Settle] corrects the estimate. A surplus goes back to the fleet, except for tokens whose absence later
// reservations rely on. So the bucket never holds more than if the cost had been known from the beginning.
// [Config.Metered] names such buckets; [Metered] says what they keep for calls that cost more than estimated.
//
// # A provider that refuses
//
// A program reports the answer of a provider with the reservation of the call ([Reservation.Report]) or with the name
// of the route ([Limiter.Report]). A report is about one bucket, usually the narrowest configured one of the route. The
// transport and the orchestrator of this module send these reports.
//
//	[Throttled], with a time    shuts the bucket for the whole fleet until then; a hold of more than 5 s is a pause,
//	                            which Redis and every replica remember
//	[Throttled]                 lowers the rate to what the provider accepts, when refusals are more than chance
//	[Overloaded]                lowers the rate while more than 40 % of the calls fail, and doubles it each second
//	                            afterwards; with a time, it shuts the bucket as well
//	[Remaining]                 makes the rate follow what is left of the quota
//
// The rate never exceeds the configured one, so the configured limit holds whatever a provider answers. The rate grows
// again on its own: slowly near the rate that was refused, and ever faster beyond it. So the fleet finds a provider
// that serves more again within ten seconds, or within the time of 60 calls for a limit below 4 a second. The burst
// shrinks with the rate: at half of the rate it has half of the tokens. What the fleet has learnt is part of the bucket
// in Redis, so replicas need no message about it. When Redis forgets, the fleet learns again. [BucketSnapshot] shows
// the part of the rate that is served.
//
// When a hold or a pause ends, the bucket is empty: the rate returns, not a burst. A limit that takes more than 12 s
// from empty to full, such as 1,000 a day, keeps its tokens if the bucket also has a faster limit, which is empty then.
// So give a bucket with a daily limit one for each second, too: alone, the daily limit loses what the day has saved. A
// call whose [Costs] are 0 for the faster limit is not delayed by a hold of up to [PromptHold]. After a hold of more than 30 s one
// call starts in the first second, then twice as many each second: one call finds out whether the provider serves
// again.
//
// [Config.Learn] is for a limit that nobody knows: the fleet learns it from the provider's answers.
//
// # One configuration for the fleet
//
// Every 10 s each replica announces that it is alive and which limits it was configured with. If replicas disagree
// about a bucket, the smallest rate and the smallest burst are in force for all. A limit that only some of them have is
// in force for all, too. A disagreement ends when the last replica that wants the smaller limit has been silent for
// 30 s. The limiter logs the bucket, the limits and the replicas once. A metric and [Limiter.Snapshot] show the
// disagreement all the time. Between two announcements a replica's configuration ages by at most 10 s, so that neither
// a step of Redis' clock nor a silence raises a limit.
//
// [Limiter.Configure], [Limiter.Pause], [Limiter.Resume], [Limiter.ConfigureShadow] and [Limiter.ShadowBucket] change
// what is in force at run time. Redis rejects a call that was made under a former configuration, and the replica makes
// it again: a change costs each replica one extra call. A waiting lane learns of the change within 5 s. A new limit
// keeps the number of tokens, and holds a horizon from now at the latest.
//
// What a namespace keeps in Redis does not grow with replicas, routes and tenants, except for one line for each live
// replica and keys that have a time to live. [Remove] removes a namespace that nobody uses any more.
//
// # Tenants
//
// [Limiter.AddRoute] makes routes at run time, for example with a bucket for each tenant. [Limiter.RemoveRoute] ends
// them. Redis forgets their buckets when they are full. Routes that share such a bucket give it the same limits, or
// name it without limits. In the process a route takes at most 1 KB, usually about 300 bytes. A lane takes about 3 KB
// from its first call until it has been unused for 60 to 80 s; urgent calls have a lane of their own. A limiter in
// memory removes unused lanes only while others are used.
//
// # The guarantee
//
// In every window of length T the whole fleet starts calls of at most burst + rate·(T + slack) tokens through a bucket.
// Through a window limit it starts at most its tokens in every period of its length, less slack. Slack (50 ms by
// default) is how late a reservation may be used. A later reservation is dropped, and the caller reserves again. So a
// process that was frozen or suspended cannot start what it held. "Never more than 40 in any second" therefore means
// burst + 1.05·rate ≤ 40, or a window that is longer than a second by slack. A limit of 40 a second with a burst of 40
// admits up to 82 in its first second.
//
// If the replies to one replica always take longer than those to the others, by D, that replica starts its calls later
// by D, because due times are counted from the reply. The fleet then starts at most burst + rate·(T + slack + D). Rows
// 46 and 47 of docs/faults.md show D of 300 and 700 ms.
//
// The guarantee is measured by Redis' clock. A namespace has a time of its own, which follows that clock and never goes
// back:
//
//   - After a step back the namespace's time stands still until it has made up for the step, a second at most. Nothing
//     is reserved meanwhile. The time between the last script and the step is lost as well.
//   - The part of a step back beyond that second is owed, up to 10 s. It is subtracted from the next step forward of
//     more than a second. A pause of more than a second between scripts counts as such a step. So a step back of an
//     hour stops a busy namespace for a second, and a seldom used one for 11 s in all.
//   - A step forward gives at most one burst.
//   - A clock that varies within a range of D, with D at most a second, adds D to T once, however often it varies: the
//     fleet starts at most burst + rate·(T + slack + D).
//   - Steps of up to 11 s, back and forth, give at most one burst in all if each step forward is longer than a second.
//     If a clock falls back by more than a second and rises again without such a step, each fall gives the tokens of
//     the time by which it exceeds a second.
//   - A clock that runs fast raises the rate by the same factor.
//   - While the namespace's time stands still, a due time may be early by one round trip, and by the time that it
//     stands still at most. That is within D.
//
// # When Redis forgets
//
// If the process remembers no namespace and Redis has none, the process starts a namespace, and each limit begins as
// [Limit.Begin] says. The same holds for a limit that a deployment adds, and for a bucket of [Limiter.AddRoute].
//
// If Redis restarts empty or is flushed, the first process that asks and remembers the former memory begins a new
// epoch. Every bucket is then empty and in debt by the horizon. So no call starts for that time and no second burst
// follows, because no forgotten reservation is due later. That process also brings the limits that were in force. If no
// process remembers, or a new process asks first, the limits begin as new: at most one burst, by the limits of the new
// process, until a process that remembers asks, 10 s at most.
//
// A limit is slow if it takes more than 12 s from empty to full, for example 1000 a day or a window of 15 minutes. It
// continues where it was, within 12 s of the loss:
//
//   - Replicas remember the state of slow limits. For 11 s after a loss Redis collects what they remember. Then the
//     newest state counts. If Redis forgets again within these 11 s, the calls made meanwhile are not counted.
//   - A window counts each start at the latest time at which it can have been, so that some starts count for up to a
//     32nd of the window's length too long.
//   - Calls of replicas that died together with Redis count as far as another replica had learnt of them. Replicas
//     learn of each other's calls every 10 s. A log line names how many replicas were live before.
//   - Limits made at run time are not remembered: such a bucket begins empty, and such a window is shut for its length.
//
// A promoted Redis replica that lags is treated in the same way, as soon as a process asks that saw one of the missing
// reservations. Until then, and indefinitely if no such process asks in time, the missing reservations are granted
// twice, at most one burst of them.
//
// A failover that has two masters for a time T gives at most the burst and rate·T more, because each master grants.
// With min-replicas-to-write 1 and min-replicas-max-lag 1, T is 0 in a planned failover, and at most 2 s if the network
// is split; a master without any replica is then treated as away. At start the limiter logs if these settings are
// missing. Rows 15 to 17 and 52 to 55 of docs/faults.md show failovers.
//
// If Redis is full (noeviction), it still serves the scripts, because the state of a namespace does not grow by calls.
// If Redis evicts keys without a TTL (a policy allkeys-…), the state counts as lost each time, and calls pause for a
// moment. At start the limiter logs that Redis may do so. A policy that evicts keys with a TTL can make a bucket of
// [Limiter.AddRoute] full, and shuts a window.
//
// The limiter checks everything that it reads from Redis. It cuts a damaged record to the bounds of what calls can have
// made of it, or counts the record as lost. That gives at most a burst and a horizon's tokens each time, and every
// route is served again within 30 s. One exception: a damaged pause may become one without end, which [Limiter.Resume]
// ends. A key of another type is removed.
//
// Two versions of this package never share a namespace unnoticed. Each record in Redis begins with the version of its
// format. An older format counts as lost memory and is logged once. With a newer format every call fails and nothing is
// written.
//
// # When Redis does not answer
//
// A request that is sent twice, or whose reply is lost, is answered once and paid once. A request whose connection
// breaks is sent again within 0.13 s, up to seven times. If Redis becomes slower than the client's ReadTimeout, the
// limiter waits for its replies for longer, CallTimeout at most, if the client obeys contexts. When a node of a cluster
// does not answer, the limiter makes the client reload the slots, so that the fleet follows a promotion within a
// second.
//
// After half a second without an answer Redis is away; [WhenAway] has the exact rule, also for when it is back. Redis
// is away at once if it refuses the replica because of the password, or because it has no room for a client. Then
// [Config.WhenAway] decides what the replica does: it continues with its share of each limit for [Config.LocalFor] (the
// default), starts nothing, or starts everything. [Limiter.Health] returns which of them. If nothing starts, Allow,
// Decide and ReserveBatch return an error that wraps [ErrUnavailable] and the reason; Wait and Reserve wait until their
// context ends. A replica asks twice a second whether Redis is back; it asks a Redis that refuses it every 1.5 s.
//
// A fleet that is cut off as a whole keeps its limits: the shares begin empty, and their rates are at most that of the
// limit together. The excess is at most what the shares can save, which is the burst, or one token for each replica. A
// replica that is cut off alone starts its share in addition to the others. Before it asks Redis again, it empties the
// buckets that it used there, and what it spends until then is charged in advance; windows are shut for their length
// and two horizons. If a provider asks to wait meanwhile, the replica that is asked waits, and the fleet waits when
// Redis is back. A share does not know what the fleet has learnt of the provider: the share learns from the beginning.
//
// If Redis refuses a request, every call returns [ErrRefused] with Redis' reason, or [ErrUnavailable] once Redis has
// served this process. With [Config.Lazy], [New] succeeds without Redis.
//
// A process that dies takes at most a horizon of reservations with it.
//
// # Metrics
//
// The limiter uses the OpenTelemetry API. Attributes are weir.route or weir.bucket, and the ones named here.
//
//	weir.rate_limiting.requests               calls by weir.rate_limiting.result: acquired, rejected, request_canceled, backend_error
//	weir.rate_limiting.request.time_in_queue  s from asking until the call may start or is refused, by result
//	weir.rate_limiting.queued_requests        calls that wait now
//	weir.rate_limiting.redis.duration         s of one request to Redis, which many calls may share
//	weir.rate_limiting.late                   reservations that came too late to be used, and were reserved again
//	weir.rate_limiting.replicas               live replicas of the fleet
//	weir.rate_limiting.disagreements          buckets about whose limits replicas disagree
//	weir.rate_limiting.away                   1 while this replica cannot reach Redis, by weir.mode: local, open, away (calls wait)
//	weir.rate_limiting.without_redis          calls that could start meanwhile, by weir.mode: local (by a share of the limits), open
//	weir.bucket.shadowed                      calls that started and that buckets in shadow mode would have let start, or not
//	weir.bucket.limit                         tokens a second of each limit in force, by weir.limit.per
//	weir.bucket.utilization                   share of the budget that this process used in the last 10 s; the sum over replicas is the fleet's
//	weir.bucket.tokens                        tokens by weir.bucket.outcome: taken, returned, lost, settled (calls that cost less than reserved)
//	weir.throttled                            calls that a provider refused, by weir.throttled.kind: throttled (its quota), overloaded
//	weir.bucket.waiting                       tokens for which calls of this process wait now
//
// While weir.bucket.waiting is above 0 the sum of weir.bucket.utilization should be 0.99 or more.
//
// # Observing a fleet
//
// A limiter on Redis publishes a [Record] of its replica: what waits on each route, what it uses of each bucket, what
// providers refuse. [Config.Publish] says how often, or never; [Limiter.Close] removes the record. Other packages add
// to it by [Limiter.Section]. Package worker/fleet reads the records, and [ReadSnapshot] the buckets. [ReadPosition] is
// [Limiter.Where] from outside. An [Operator] changes a fleet from outside; [ReadEvents] returns who did what. The
// budget does not depend on any of this.
//
// # Goroutines
//
// A Limiter on Redis runs two goroutines until Close: one announces the replica, the other publishes its record. A lane
// runs one goroutine while it makes requests. A lane whose callers wait has one timer. [Limiter.Close] ends all of them
// and waits for them. If buckets are in memory, a goroutine looks for unused lanes, every 10 s at most, and ends. The
// caller owns the Redis client; the limiter never closes it.
package limiter
