// Package orchestrator runs tasks that call rate-limited APIs: a bounded number at a time, each when its token is due.
//
// # Which function to call
//
// [Execute] runs a function and returns its result. [Submit] returns a [Future] of it at once. [EnqueueBatch] and [Map]
// queue many under one id, to be awaited together, one by one as they end ([Batch.Completed]), or elsewhere by that id
// ([AwaitBatch]). [NewBatcher] makes one call of many keys, for providers that answer many at once.
//
// # The model
//
// A task is a function with a context. It waits in the lane of its route. A slot is one of N concurrent executions; a
// reservation is leave, from the limiter, to start one call at its due time:
//
//	          ┌────────────────── another attempt, after a while ──────────────────┐
//	          ↓                                                                    │
//	queued ──(a slot is free: ask the limiter)──> acquire ──(it is due)──> execute ──> outcome
//	  │                                                                    │
//	  └──(its context ends, it is shed or handed back)──> outcome          └──(it takes too long)──> outcome
//
// Reservations belong to the lane, not to tasks: when one comes due, the task that is first then takes it (late
// binding), so that a task cancelled in the meantime wastes nothing and an urgent one passes the others. There are never
// more reservations than slots to use them. A busy lane asks for as many as it has slots for in one call, and while it
// stands in the fleet's line it holds no slot; nor does one that has a slot for each token to come keep another lane's
// first task from starting: a throttled route delays no other.
//
// Which task is first is said by its [Class] and its age: [Config.Ageing] bounds what a task can be overtaken by. Which
// tasks run again is said by [Retry]. What happens where too many wait is said by [Full].
//
// The context a task runs with carries its reservation ([limiter.FromContext]) to the transport that sends its request.
// Where no transport takes it, the start of the function is its use. Every attempt has a reservation of its own.
//
// A task may submit others and await them: while it waits in a call of this package, with a context that comes from its
// own, it lends its slot, so that they can come to an end. Two tasks that await each other wait until their contexts end.
//
// # The guarantee
//
// A task ends exactly once: with its result, its error, the cause of its context's end, or one of the errors of this
// package. Panics and [runtime.Goexit] end that task alone, as errors. Outcomes of a batch come in the order of its tasks,
// one for each. A cancelled task that is queued ends at once; one that executes has its context cancelled and ends when it
// returns. A task that [Timeout] or a drain gives up on ends then, and keeps its slot until its function returns.
//
// # When things fail
//
// An error of the limiter ends the tasks it was asked for. Errors of tasks are theirs; those that say that they may
// succeed another time ([Again], [Retry.Classify]) are tried again, within a budget that keeps an outage from being
// answered with more calls.
//
// # Goroutines
//
// Queued tasks cost none, nor do lanes that stand in line: a timer stands for them. Goroutines are made as there are
// tasks to execute and calls to make, and hand on to each other; they end when there is nothing to do. A batch with
// [OnProgress] has one of its own until it has finished. [Orchestrator.Close] waits for all of them. No lock is held while
// user code runs.
package orchestrator
