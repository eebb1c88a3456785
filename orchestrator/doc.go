// Package orchestrator runs tasks that call rate-limited APIs: a bounded number at a time, each when its token is due.
//
//	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 10})
//	defer o.Drain(context.WithoutCancel(ctx), orchestrator.Drain{})
//	track, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (Track, error) { … }, orchestrator.Route("spotify"))
//
// # Which function to call
//
//   - [Execute] runs a function and returns its result.
//   - [Submit] queues a function and returns a [Future] of its result at once.
//   - [EnqueueBatch] and [Map] queue many functions. [Batch.Values] returns their values in order, [Batch.Await] how
//     each ended, [Batch.Completed] each as it ends, [Batch.Progress] how far the batch has come.
//   - [Stream] calls a function for inputs that do not fit in memory.
//   - [NewBatcher] makes one call of many keys, for providers that answer many keys in one request.
//
// [Key] lets callers share one run. [Share] lets jobs take turns. [Priority], [Timeout], [Attempts], [Tokens] and
// [Weight] set how a task is treated.
//
// # The model
//
// A task is a function with a context. It waits in the lane of its route. A slot is one of N concurrent executions. A
// reservation is permission, from the limiter, to start one call at its due time. The states of a task, with the inputs
// of the core that decides:
//
//	arrive ──> queued ──(its lane asks the limiter)──> answer ──(a reservation is due)──> executing ──> finish ──> outcome
//	             │  ^                                    │ none: ask again                 │  │  ^         │
//	             │  │                                    v                                 │  │  │         │ again
//	           leave│                                   tick                  leave, drain │  lend resume  v
//	             │  └──────────────────────────────────────────────────────────────────────┼──(tick)──── resting
//	             v                                                                         v
//	          outcome                                                                    stuck ──> finish
//
// Reservations belong to the lane, not to tasks. When a reservation is due, the task that is first at that moment takes
// it. So a cancelled task wastes no reservation, and an urgent task passes the others. There are never more
// reservations than slots. A lane asks for as many tasks as it has slots for, in one request. While it waits in the
// fleet's line it has no slot. If reservations have taken all slots, a lane without a slot takes the slot of a
// reservation: a throttled route delays no other route.
//
// The class and the age of a task decide which task is first ([Class], [Config.Ageing]), then the turns of the shares
// in tokens, then the age. Tasks that wait for room ([Config.MaxPending]) have the same order. The fleet serves older
// calls first: the lane sends the ages of its tasks to the limiter. Two ages count as the same if one is less than
// twice the other, so that replicas with equal work get equal parts.
//
// The context of an attempt carries its reservation ([limiter.FromContext]) to the transport that sends the request. If
// no transport takes the reservation, the start of the function uses it. Every attempt has a reservation of its own.
//
// A task may submit other tasks and await them. While it waits in a call of this package, with a context that comes
// from its own, it lends its slot to them. Two tasks that await each other wait until their contexts end.
//
// # The guarantee
//
// A task ends exactly once: with its result, its error, the cause of its context's end, or one of the errors of this
// package. Panics and [runtime.Goexit] end that task alone, as errors. A cancelled task that waits ends at once. A
// cancelled task that executes has its context cancelled and ends when its function returns. A task that overruns its
// [Timeout], or that a drain gives up on, ends at that moment. Its function is stuck, and keeps its slot until it
// returns.
//
// No step takes time in proportion to waiting tasks, routes or remembered batches, except [Orchestrator.Snapshot] and
// the metrics, which visit the routes used lately.
//
// # When things fail
//
// A limiter that fails ends no task that has time left. The lane asks again after 50 ms, and then after twice as long
// each time, up to a second. A task ends at its own deadline, or after [limiter.Config.MaxWait] if it has no deadline.
// A task ends at once with a [limiter.DeadlineError] if the limiter's answers show that it cannot start before its
// deadline. Permanent answers end the tasks they concern: a route that was removed, a cost above the burst, a limiter
// that is closed or that Redis refuses.
//
// Errors of tasks belong to the tasks. An error that is marked as temporary ([Again], [Retry.Classify]) leads to
// another attempt, within a budget: an outage must not cause more calls.
//
// Each attempt reports once to the fleet, by its reservation, what its error shows about the provider ([Verdict]). If a
// provider asks to wait, the limiter shuts the bucket for the whole fleet. The task then waits in line as all others
// do: the line starts again when the hold ends, at the rate. A task whose deadline is before the end of the hold ends
// at once: the refused task with its error, the others with a [limiter.DeadlineError] when their lane learns of the
// hold, about 5 s later at the latest. No attempt of a refused task starts before its provider's time, even if nothing
// is shut: in shadow mode, and after a report that failed. A report does not delay the task.
//
// # Metrics
//
// The orchestrator uses the OpenTelemetry API. Attributes are weir.route, and the ones named here.
//
//	weir.task.pending    tasks that wait to start, by weir.class
//	weir.task.oldest     s for which the next task of each class has waited, by weir.class
//	weir.task.wait       s for which an attempt waited to start
//	weir.task.run        s that an attempt took
//	weir.task.outcomes   tasks that ended, by weir.task.outcome: ok, error, cancelled, timeout, panic, shed, refused, retries_spent, handed_back
//	weir.slot.count      slots by weir.slot.state, without weir.route: running, held, lent, stuck, free
//
// The limiter counts reports about providers in weir.throttled. The span of the attempt has each report as an event
// "reported", with the attributes weir.throttled.kind and weir.retry_after, in seconds.
//
// A panic, an overrun and a function that a drain leaves behind are logged as warnings, with the stack.
//
// # Goroutines
//
// Queued tasks have no goroutine, and neither have lanes that wait in line: one timer serves all of them. A goroutine
// starts if a task can execute, or a lane can ask, and no goroutine does that yet. When one job ends, the goroutine
// takes the next; it ends when no job is left. A report of more than 5 s waits for Redis on a goroutine of its own.
// [Orchestrator.Close] waits for all of them. No lock is held while user code runs.
package orchestrator
