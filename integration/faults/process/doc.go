// Package process is what each replica of the harness does, whatever limits its calls. It runs tasks again and again: each task waits at
// the [Limiter] and then calls the provider once.
//
// [Run] reads words from the standard input, a line each, and prints a line of JSON on the standard output for each word: report counts what
// has happened; rest ends the loops of tasks and waits until no task is under way; go starts the loops again; rate N sets the rate; hold D
// reports that the provider asks to wait. The first line is that the replica is ready. SIGTERM drains the replica: a line follows when no
// further task can start, and the last line when all is over.
//
// The tasks, the words and the client of Redis are the same for every limiter, so that fleets differ in their limiters alone.
package process
