package main

// introduction is the text before the figures.
const introduction = `# Other limiters under the same faults

This file shows what fleets of four limiters do while something around them fails. The program ` + "`bench/faults`" + ` wrote it:

    go -C bench run ./faults --parallel 2 --json figures.jsonl --write ../docs/peers-under-faults.md

The rows are the rows of [faults.md](faults.md). The same harness played them against each limiter, on the same day and machine. If the
file of figures has several plays of a row, the last one counts. The tasks, the timeouts of the Redis client, the provider and the judge
are the same for all limiters. Unless a row says otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4.

The limiters:

- **weir** is this project. Calls wait while Redis is away (FailClosed). From row 48 on replicas go on with their shares (FailLocal), which is
  the default.
- **redis_rate** is github.com/go-redis/redis_rate/v10. A task calls Allow, and calls it again after RetryAfter.
- **ulule** is github.com/ulule/limiter/v3 with its store in Redis. A task calls Get, and calls it again at Reset. Reset is in whole seconds,
  rounded down; if it has passed, the task asks again after 20 ms. ulule counts calls in windows. A window begins with its first call. There
  is no burst: all 34 calls of a window may start at once, and two windows may meet. An excess of up to 30 comes from this and is not a fault.
- **x/time/rate** is golang.org/x/time/rate. A task calls Wait. Processes share no state: each has the rate ÷ replicas and the burst ÷ replicas,
  for the largest number of replicas in the row. Faults of Redis do not affect the limiter. If one process does not use its tokens, no
  other process can use them. One replica more, or a wrong number of replicas, changes the rate of the fleet.

After an error of Redis a task of redis_rate or ulule waits for 100 ms and asks again, so that no call starts while Redis is away. The
documentation of both leaves errors to the caller. None of the three has a mode for the time without Redis: from row 48 on the tasks wait as before.
In row 31 the harness sets the rate of weir once for the fleet. For the other limiters it sets the rate of each process at the same moment.

How to read a cell:

- **excess** is the largest number of calls by which a window of any length T exceeds burst + rate·T. weir promises at most rate × 50 ms, which is
  1.7 calls at 34 a second. If a row splits Redis in two, or lets replicas go on without Redis, the bound in faults.md is wider.
- **most in a second** is the largest number of calls in any second.
- **used** is the number of calls divided by rate × time, in the span that the row measures. Tasks waited all the time.
- **silence** is the longest time without a call after the fault began. The time in which Redis does not answer counts, too.
- **tasks failed** is the number of tasks that ended with an error other than a deadline.
- **†** means that overdue calls did not arrive within 20 s. The row then went on, so its silence is at least the figure.

Timing is noisy, and each figure comes from one run. The page does not judge the others by the marks of faults.md, because only weir promises to
reach them.
`

// notes is the text after the figures. It explains in which rows the limiters differ in more than their figures.
const notes = `
## Notes on rows

- Row 6 ends when each length was tried, or after a minute. A limiter that makes a hundred requests to Redis for each call ends it in less than
  a second. Its span is then too short for the figures used and silence. x/time/rate makes no requests, so its row lasts a minute.
- Row 9: the buffers of connections count towards the 4 MB that Redis may use. A limiter that polls has more connections, and more of its own
  keys are evicted.
- Rows 16, 18, 30, 41, 42, 46, 47 and 51 begin with fewer replicas than they have later. x/time/rate has its part of the later number from the
  beginning.
- Row 22: after a step back, the times in the state of a limiter are in the future of Redis' clock. redis_rate returns the time until
  then in RetryAfter, and ulule in Reset. The tasks sleep for so long.
- Rows 26 and 27: with x/time/rate, the part of a replica that has ended stays unused until the others start again with another number.
`
