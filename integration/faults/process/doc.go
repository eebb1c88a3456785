// Package process runs a replica of the fault harness with any limiter. The replica runs tasks all the time, as many at once as its flag -tasks
// says. Each task waits for its token of the [Limiter] and then calls the provider once.
//
// [Run] reads words from the standard input, one a line. For each word it prints a report, one line of JSON, on the standard output:
//
//   - report does nothing else.
//   - rest ends the loops of tasks, and waits until no task runs.
//   - go starts the loops again.
//   - rate N sets the rate.
//   - hold D reports to the limiter that the provider asks to wait for the duration D.
//   - waits removes the measured waits.
//   - disputed reads for how many buckets replicas want different limits.
//
// Run prints the first line when the replica is ready. SIGTERM drains the replica. Run then prints a line when no further task can start, and
// the last line at its end.
//
// The tasks, the words and the Redis client are the same for every limiter, so that fleets differ only in their limiters.
package process
