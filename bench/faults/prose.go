package main

// introduction is the text before the figures.
const introduction = `# Other limiters under the same faults

This file shows what fleets of four limiters do while something around them fails. The program ` + "`bench/faults`" + ` wrote it:

    go -C bench run ./faults --parallel 2 --json figures.jsonl --write ../docs/peers-under-faults.md

The rows are the rows of [faults.md](faults.md). The same harness played them against each limiter, on the same day and machine. If the
file of figures has several plays of a row, the last one counts. The tasks, the timeouts of the Redis client, the provider and the computation of
the figures are the same for all. Unless a row says otherwise, 4 replicas with 32 tasks each share 34 calls a second with a burst of 4.

The limiters:

- **weir** is this project. While Redis is away calls wait (FailClosed). From row 48 on replicas go on with their shares (FailLocal), which is
  the default.
- **redis_rate** is github.com/go-redis/redis_rate/v10. A task asks by Allow, and asks again after RetryAfter.
- **ulule** is github.com/ulule/limiter/v3 with its store in Redis. A task asks by Get, and asks again at Reset. Reset is in whole seconds,
  rounded down. If it has passed, a task asks again after 20 ms. ulule counts the calls of windows that begin with the first call in them.
  It has no burst: all 34 calls of a second may start at once, and two windows may meet. An excess of up to 30 is its configuration, not a fault.
- **x/time/rate** is golang.org/x/time/rate. A task calls Wait. Processes share nothing. Each has the rate and the burst divided by the
  highest number of replicas in the row. Faults of Redis do not reach the limiter. No other process can use the tokens that one process does
  not use. One replica more, or a wrong number of replicas, changes the rate of the fleet.

After an error of Redis a task of redis_rate or ulule waits for 100 ms and asks again, so that nothing starts while Redis is away. The
documentation of both leaves errors to the caller. None of the three has a mode for the time without Redis, so from row 48 on the tasks wait as before.
In row 31 the rate of weir is set once for the fleet. With the other limiters the rate of each process is set at the same moment.

How to read a cell:

- **excess** is the most by which the calls of any window of any length T exceed burst + rate·T. weir promises at most rate × 50 ms, which is
  1.7 calls at 34 a second. If a row splits Redis in two, or lets replicas go on without Redis, the bound in faults.md is higher.
- **most in a second** is the most calls in any second.
- **used** is the calls as a share of rate × time, over the span that the row measures. Tasks waited all the time.
- **silence** is the longest time without a call after the fault began. It includes the time in which Redis does not answer.
- **tasks failed** is the number of tasks that ended with an error that is no deadline.
- **†** marks a row in which expected calls did not come within 20 s. The row then went on, so that its silence is at least the figure.

Times vary from run to run, and each figure is from one run. The figures do not say whether another limiter passes: weir promises the marks of
faults.md, and the other limiters do not.
`

// notes are the text after the figures. They say in which rows limiters are treated differently.
const notes = `
## Notes on rows

- Row 6 lasts until each length was tried, or a minute. With a limiter that asks Redis a hundred times a call it lasts less than a second, which
  is too short for the figures of used and silence. x/time/rate asks nothing, so the row lasts a minute.
- Row 9: the buffers of connections count towards the 4 MB that Redis may use. A limiter that polls has more connections, so Redis evicts more of
  its keys.
- Rows 16, 18, 30, 41, 42, 46, 47 and 51 begin with fewer replicas than they have later. Each process of x/time/rate has its part for the later
  number from the beginning.
- Row 22: after a step back, the state of a limiter is in the future of Redis' clock. redis_rate returns the time until then in RetryAfter, and ulule
  in Reset, so the tasks sleep for that time.
- Rows 26 and 27: if a replica of x/time/rate has ended, no replica uses its part until the others start again with another number.
`
