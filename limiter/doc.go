// Package limiter shares a budget of calls among all replicas of a fleet, through Redis.
//
// A [Limiter] answers when a call may start. The caller asks once, sleeps once, and goes:
//
//	l, err := limiter.New(ctx, rdb, limiter.SingleBucket("spotify", limiter.PerSecond(40, 40)))
//	defer l.Close(context.WithoutCancel(ctx))
//	err = l.Wait(ctx, "spotify")
//
// The verbs, of a limiter and of a [Route]:
//
//   - [Limiter.Wait] sleeps until the call may start. It returns a [DeadlineError] as soon as it is known that the context would end
//     first. Most callers should use it.
//   - [Limiter.Reserve] returns a [Reservation], permission to start one call at its due time. The caller does the sleeping.
//   - [Limiter.Allow] reports whether a call may start now, and takes the tokens only then.
//   - [Limiter.Decide] is Allow for a server: it also returns when to try again and what is left.
//   - [Limiter.ReserveBatch] is for schedulers: several reservations in one request, or the time to come back at.
//   - [Limiter.Where] asks for nothing: it says where a call would stand that came now, and what holds it back.
//
// Wait, Reserve and Allow have an N form for a call that costs n tokens. [New] shares buckets through Redis. [NewMemory] keeps them in
// the process. [NewUnlimited] is for tests. Config.Shadow is for a roll-out.
//
// # The model
//
// A limit is a token bucket: so many tokens per duration, at most a burst of them at once. Or it is a window: at most so many starts in
// any stretch of a duration. A bucket is the shared state of its limits under one name. A route is the list of buckets that one kind of
// call passes, narrowest first, ending in the bucket that all routes share. A call passes all limits of its route at once: its
// reservation is due when each limit has a token, and each limit is charged at that due time. A bucket is in debt while reservations are
// ahead of its refill.
//
// A reservation is due at most a horizon ahead (250 ms by default). Once the horizon is fully reserved, further callers queue. The callers
// of one route in one process are a lane. A lane that waits has one entry in the line of the limit that binds it. The line is ordered by
// the arrival of each lane's oldest caller, so that first come, first served holds across the fleet, except that callers of
// one replica may pass callers of another that came up to a horizon before: callers gather while their lane holds reservations that are not
// due yet. An entry takes no token. It tells the lane when to ask again, and ends when the last caller of the lane leaves. Nobody polls. A
// lane asks at least once in 5 s, to hear of pauses and new limits, and at once for a caller that has a deadline or wants an answer at once. An [Urgent] call passes the line, within half of each rate, and never passes a reservation. The package
// limiter/internal/bucket has the rules.
//
// A deadline is judged when the caller arrives. If the tokens for which all lanes wait come after the deadline, as far as the lanes have
// announced it, the caller gets a [DeadlineError] at once.
//
// Reservations belong to the process. When one comes due, the first caller in the queue takes it, so that a caller that gives up wastes
// nothing. A reservation of several tokens serves several callers of fewer. If no caller of the process waits, the reservation goes back
// through Redis, with its due time, to the next replica that asks on the same buckets. While one request is under way, further callers
// gather and share the next request. The package limiter/internal/lane has the waiting side.
//
// Redis' clock decides. The clocks of replicas only measure durations. A due time is mapped to the local monotonic clock so that it is
// never early while Redis' clock is steady.
//
// # Differences from golang.org/x/time/rate
//
//	x/time/rate                               this package
//	one process                               a fleet, through Redis; NewMemory for one process
//	a float64 of tokens per second            Tokens per Per, exact at any rate: 5 per day stays 5 per day
//	Allow, Reserve, Wait                      the same, with a context, a route and an error
//	Reserve returns at once, due at any time  Reserve returns when the due time is at most a horizon away
//	Reservation.OK is false above the burst   ReserveN returns an ExceedsBurstError
//	Reservation.Delay, then the call          Delay, then Use: it is true once, in time, on its own route
//	Cancel restores what later ones allow     the same; else it serves another caller by its due time
//	Wait returns a plain error                Wait returns a DeadlineError that matches context.DeadlineExceeded
//	Inf is a rate without a limit             NewUnlimited
//	SetLimit, SetBurst                        Configure, for the whole fleet
//	waiters in no order                       first come, first served across replicas
//	Wait(n > burst) fails                     the same: an ExceedsBurstError
//
// # Costs
//
// A call takes one token of each bucket of its route, the verbs with N take N. Providers of language models count requests and tokens
// apart: there each bucket has a unit of its own, and [Costs] says what a call takes of each. Such a call starts when every bucket has
// what it takes. A reservation with Costs serves only a call of the same Costs in this process.
//
// The cost of a call may be known only when the call has ended. Such a call reserves an estimate, and [Reservation.Settle] corrects the
// estimate. A surplus goes back to the fleet, except for tokens on whose absence later reservations rely. So the bucket never holds more
// than if the cost had been known from the beginning. [Config.Metered] names such buckets. They keep a tenth of the burst for calls that
// cost more than estimated, and estimates follow the real costs of the route's calls. For its first calls a bucket gives nothing back,
// because it notes how empty it is from its first call on.
//
// # A provider that refuses
//
// What a provider answers is reported, by whoever has the reservation of the call ([Reservation.Report]) or by the name of the route
// ([Limiter.Report]). A report is about one bucket, as a rule the narrowest configured one of the route. The transport and the
// orchestrator of this module report by themselves.
//
//	[Throttled], with a time    shuts the bucket for the whole fleet until then; a hold of more than 5 s is a pause, which Redis and
//	                            every replica remember
//	[Throttled]                 lowers the rate to what the provider accepts, when refusals are more than chance
//	[Overloaded]                lowers the rate while more than 40 % of the calls fail, and doubles it each second afterwards; with a time, it
//	                            shuts the bucket as well
//	[Remaining]                 has the rate follow what is left
//
// The rate never exceeds the configured one, so that the configured limit holds whatever a provider says. It grows again by itself: slowly
// near the rate that was refused, and ever faster beyond it, so that a provider that serves more again is found within ten seconds, or
// within the time of 60 calls of a limit below 4 a second.
// The burst stays as it is in time: at half of the rate it has half of the tokens. What the fleet has learnt is part of the bucket in Redis:
// no replica has to be told. When Redis forgets, the fleet learns again. [BucketSnapshot] shows the part of the rate that is served.
//
// When a hold ends the bucket is empty: the rate returns, not a burst. After a hold of more than 30 s one call starts in the first second, then
// twice as many each second: one call finds out whether the provider serves again.
//
// A limit that nobody knows is learnt: see [Config.Learn].
//
// # One configuration for the fleet
//
// Every 10 s each replica announces that it is alive and which limits it was configured with. Where replicas disagree about a bucket, the
// smallest rate and the smallest burst are in force for all. So is a limit that only some of them have. A disagreement ends when the last
// replica that wants the smaller limit has been silent for 30 s. The log names the bucket, the limits and the replicas once; a
// metric and [Limiter.Snapshot] show the disagreement all the time. Between two announcements a replica's configuration ages by at most 10 s,
// so that neither a step of Redis' clock nor a silence raises a limit.
//
// [Limiter.Configure], [Limiter.Pause], [Limiter.Resume], [Limiter.ConfigureShadow] and [Limiter.ShadowBucket] change what is in force at run time. Redis turns a
// call away that was made under a former configuration, and the replica makes it again: a change costs each replica one call. A
// lane in line hears of the change within 5 s.
//
// What a namespace keeps in Redis does not grow with replicas, routes and tenants, except for one line for each live replica and keys
// that have a time to live. [Remove] removes a namespace that nobody uses any more.
//
// # Tenants
//
// [Limiter.AddRoute] makes routes at run time, for example with a bucket for each tenant. [Limiter.RemoveRoute] ends them. Redis forgets
// their buckets when they are full. Routes that share such a bucket give it the same limits, or name it alone. In the process a route is its
// name, its path and the limits of its own bucket: at most 1 KB, about 300 bytes as a rule. The first call of a route makes its lane, of
// about 3 KB; the first urgent call makes a second lane. A lane that nobody uses is given up after 60 to 80 s, and the next call makes it
// again. A limiter in memory looks for unused lanes while others are used.
//
// # The guarantee
//
// In every window of length T the whole fleet starts calls of at most burst + rate·(T + slack) tokens through a bucket. Through a window limit
// it starts at most its tokens in every stretch of its length, less slack. Slack (50 ms by default) is how late a reservation may be used.
// A later reservation is given up, and the caller reserves again. So a process that was frozen or suspended cannot start what it held.
// "Never more than 40 in any second" therefore means burst + 1.05·rate ≤ 40, or a window. A limit of 40 a second with a burst of 40 admits
// up to 82 in its first second.
//
// A replica whose replies always take longer than those of the others, by D, starts that much later: what is due is counted from the reply. The
// fleet then starts at most burst + rate·(T + slack + D). Rows 46 and 47 of docs/faults.md show D of 300 and 700 ms.
//
// That law takes Redis' clock for time. A namespace has a time of its own, which follows that clock and never goes back:
//
//   - After a step back the namespace's time stands still until it has made up for the step, a second at most. Nothing is reserved
//     meanwhile. The time between the last script and the step is lost as well.
//   - The part of a step back beyond that second is owed, up to 10 s, and taken off the next step forward of more than a second. More than
//     a second without a script counts as such a step. So a step back of an hour stops a busy namespace for a second, and a
//     seldom used one for 11 s in all.
//   - A step forward gives at most one burst.
//
// A clock that wanders by D, from its earliest to its latest, with D at most a second, adds D to T once, however often it wanders: the fleet
// starts at most burst + rate·(T + slack + D). Steps of up to 11 s, back and forth, give at most one burst in all if each step forward
// is longer than a second. A clock that runs fast gives as much more as it runs fast. A clock that falls back by more than a second and rises
// again without such a step gives, for each fall, what the fall exceeds the second by. While the namespace's time stands still, a due time may
// be early by one round trip, and by the time that it stands still at most. That is within D.
//
// A new limit keeps the number of tokens. It holds from the last reservation that is outstanding, a horizon at most. When a pause ends the
// bucket is empty: the rate returns, not a burst.
//
// # When things fail
//
// Nothing remembered, nothing found. The process starts a namespace, and each limit begins as [Limit.Begin] says. The same holds for a limit that a
// deployment adds, and for a bucket of [Limiter.AddRoute].
//
// A request sent twice, or whose reply was lost, is answered once and paid once.
//
// Redis forgot (restarted empty, or flushed). The first process that asks and remembers the former memory begins a new epoch. Every bucket
// is then empty and in debt by the horizon: there is silence, never a second burst, because no forgotten reservation is due later. That
// process also brings the limits that were in force.
//
// A limit is slow if it takes more than 12 s from empty to full, for example 1000 a day or a window of 15 minutes. Replicas remember the state of
// slow limits. For 11 s after a loss Redis collects what they remember. Then the newest state counts, and the limit goes on where it was,
// within 12 s of the loss. A window counts each start at the latest time at which it can have been, so that some starts count for up to a
// 32nd of the window's length too long. Calls of replicas that died with Redis count as far as another replica had heard of them, which it
// does every 10 s; the log names how many replicas were live before. If Redis forgets again within these 11 s, the calls made meanwhile are
// not counted. Limits made at run time are not remembered: such a bucket begins empty, and such a window is shut for its length.
//
// The same holds for a promoted Redis replica that lags, as soon as a process asks that saw a reservation which the replica lacks. Until then,
// and indefinitely if no such process asks in time, the reservations lost by the lag are given twice, at most one burst of them. If no
// process remembers, or a new process asks first, a Redis that forgot gives what the limits begin with: at most one burst, by the
// limits of the new process, until a process that remembers is heard, 10 s at most. A policy that evicts keys with a TTL can make a
// bucket of [Limiter.AddRoute] full, and shuts a window. A process that dies takes at most a horizon of reservations with it.
//
// A failover that has two masters for a time T gives at most the burst and rate·T more: each master grants, and neither knows of the other. With
// min-replicas-to-write 1 and min-replicas-max-lag 1 a master whose replicas have left grants nothing. Then T is 0 where the replicas say that they
// leave, as in a planned failover, and at most 2 s where the network is split. The price: a master without any replica grants nothing, and
// replicas of this package take it for away. The log says at start where these settings are missing. Rows 15 to 17 and 52 to 55 of
// docs/faults.md show failovers. A client of a cluster is told to ask for the slots anew when a node does not answer, so that the fleet follows
// a promotion within a second.
//
// Redis does not answer for half a second, or for four times as long as it usually takes at most. Then Redis is away, and [Config.WhenAway] says what
// the replica does: it goes on with its share of each limit for [Config.LocalFor] (the default), nothing starts, or everything does.
// [Limiter.Health] says which. A Redis that turns the replica away, because of its password or because it has no room for a client, is away
// at once. Where nothing starts, Allow, Decide and ReserveBatch return an error that wraps [ErrUnavailable] and the reason; Wait and Reserve wait
// until their context ends. A replica asks twice a second whether Redis is back, and a Redis that refuses it every 1.5 s. It goes on as before
// when Redis answers; a replica with shares does so when calls have been answered for a second.
//
// A call whose connection breaks is sent again within 0.13 s, up to seven times: Redis may have run it, and a repeat costs nothing. A Redis that has come
// to take longer than the client's ReadTimeout is found as well, where the client heeds contexts: it is then waited for, CallTimeout at most.
//
// Redis is full (noeviction): it goes on with what the scripts ask for, because the state of a namespace does not grow by calls. Redis evicts keys
// without a TTL (a policy allkeys-…): each time the state goes, it counts as lost, and calls stand still for a moment. The log says at start that
// Redis may do so.
//
// A fleet that is cut off as a whole keeps its limits: the shares begin empty, and their rates are at most that of the limit together. The excess is at
// most what the shares can save, which is the burst, or one token for each replica. A replica that is cut off alone starts its share
// beside the others. Before it asks Redis again, the buckets that it used are emptied there, and what it spends until then is charged in advance;
// windows are shut for their length and two horizons. A provider that asks to wait meanwhile is left alone by the replica that hears it, and by the
// fleet when Redis is back. A share does not know what the fleet has learnt of the provider: the share learns anew. With Config.Lazy, [New] succeeds without Redis.
//
// Redis refuses, for example because of a wrong password or a missing permission. Every call returns [ErrRefused] with Redis' reason. Once
// Redis has served this process, a refusal wraps [ErrUnavailable], because it may pass.
//
// Everything read from Redis is checked like an argument. A damaged record is brought into the bounds of what calls can have made
// of it, or counts as lost. That gives at most a burst and a horizon's tokens each time, and every route is served again within 30 s. One
// exception: a damaged pause may become one without end, which [Limiter.Resume] ends. A key of another type is removed.
//
// Two versions of this package never share a namespace unnoticed. Each record in Redis begins with the version of its format. An
// older format is lost memory, and one line in the log. With a newer format every call fails and nothing is written.
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
// # People who watch
//
// A limiter on Redis publishes a [Record] of its replica: what waits on each route, what it uses of each bucket, what providers refuse. It is
// written every 2 s while it changes, every 10 s while it does not, and removed by [Limiter.Close]; [Config.Publish] switches that off. Others add
// to it by [Limiter.Section]. Package worker/fleet reads the records, [ReadSnapshot] the buckets, and [Limiter.Where] and [ReadPosition] say why something
// waits. An [Operator] changes a fleet from outside; [ReadEvents] says who did what. Nothing of the budget depends on any of this.
//
// # Goroutines
//
// A Limiter on Redis runs two goroutines for as long as it lives: one announces the replica, the other publishes its record. A lane runs one goroutine while it makes
// requests. A lane whose callers wait has one timer. [Limiter.Close] ends all of them and waits for them. Where buckets are in memory, a
// goroutine looks for unused lanes, every 10 s at most, and ends. The caller owns the Redis client; the limiter never closes it.
package limiter
