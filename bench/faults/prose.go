package main

// introduction comes before the figures.
const introduction = `# Other limiters under the same faults

This file shows what fleets of four limiters do while something around them fails. The program ` + "`bench/faults`" + ` wrote it:

    go -C bench run ./faults --parallel 2 --json figures.jsonl --write ../docs/peers-under-faults.md

The rows are the rows of [faults.md](faults.md), played against each limiter by the same harness, on the same day and machine. Where the
file of figures has several plays of a row, the last one counts. The tasks, the timeouts of the client of Redis, the provider and the judge
are the same for all. Where a row does not say otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4.

The limiters:

- **weir** is this project. While Redis is away calls wait (FailClosed). From row 48 on replicas go on with their shares (FailLocal), which is
  the default.
- **redis_rate** is github.com/go-redis/redis_rate/v10. A task asks by Allow, and asks again after RetryAfter.
- **ulule** is github.com/ulule/limiter/v3 with its store in Redis. A task asks by Get, and asks again at Reset. Reset is in whole seconds,
  rounded down. Where it has passed, a task asks again after 20 ms. ulule counts the calls of windows that begin with the first call in them.
  It has no burst: all 34 calls of a second may start at once, and two windows may meet. An excess of up to 30 is its configuration, not a fault.
- **x/time/rate** is golang.org/x/time/rate. A task calls Wait. Processes share nothing: each has the rate ÷ replicas and the burst ÷ replicas,
  for the number of replicas that the row has at most. Faults of Redis do not reach the limiter. Tokens that one process does not use
  are lost to the others. One replica more, or a wrong number of replicas, changes the rate of the fleet.

After an error of Redis a task of redis_rate or ulule waits for 100 ms and asks again, so that nothing starts while Redis is away: the
documentation of both leaves errors to the caller. None of the three has a mode for the time without Redis: from row 48 on the tasks wait as before.
In row 31 the rate of weir is set once for the fleet, and the rate of each process of the others is set at the same moment.

How to read a cell:

- **excess** is the most by which the calls of any window of any length T exceed burst + rate·T. weir promises at most rate × 50 ms, which is
  1.7 calls at 34 a second. Where a row splits Redis in two, or lets replicas go on without Redis, the bound in faults.md is wider.
- **most in a second** is the most calls in any second.
- **used** is the calls as a share of rate × time, over the span that the row measures. Tasks waited all the time.
- **silence** is the longest time without a call after the fault began. A Redis that does not answer counts.
- **tasks failed** is the tasks that ended with an error that is no deadline.
- **†** says that calls that were overdue did not come within 20 s. The row then went on, so that its silence is at least the figure.

Timing is noisy, and each figure is that of one run. The figures of the others are no verdict about marks: the marks of faults.md are what
weir promises, and nobody else promised them.
`

// notes come after the figures, and say where a row is another one for another limiter.
const notes = `
## Notes on rows

- Row 6 lasts until each length was tried, or a minute. A limiter that asks Redis a hundred times a call is through in less than a second, so
  that its span is too short for its used and its silence. x/time/rate asks nothing, and the row lasts a minute.
- Row 9: the buffers of connections count towards the 4 MB that Redis may use. A limiter that polls has more connections, and more of its own
  keys are evicted.
- Rows 16, 18, 30, 41, 42, 46, 47 and 51 begin with fewer replicas than they have later. x/time/rate has its part of the later number from the
  beginning.
- Row 22: after a step back the state of a limiter is in the future of Redis' clock. redis_rate then has the time until
  then in RetryAfter, and ulule in Reset, and the tasks sleep for so long.
- Rows 26 and 27: the part of a replica of x/time/rate that is gone stays unused until the others start again with another number.
`
