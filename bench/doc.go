// Bench measures weir beside other rate limiters for Go, on a Redis of its own, and prints a table for each workload.
//
//	go -C bench run .                  everything, about three quarters of an hour
//	go -C bench run . --quick          the same with short measurements, in one round
//	go -C bench run . --only A,D       some workloads
//	go -C bench run . --json           one JSON object instead of tables
//
// It starts the redis-server that is on the PATH, without persistence, on a free port of 127.0.0.1. Every workload runs
// over all contestants in turn, and that in several rounds: tables show the median of the rounds, or their worst where
// one bad round is too many. The speed of a shared machine drifts by a factor of two within minutes, so that only ratios
// within a table mean something; a goal that compares two contestants is the median of the ratios of each round.
//
// # The workloads
//
//	A  Allow where the limit is never reached, from 1, 8, 64 and 256 goroutines of one process, and from 8 replicas of 8
//	B  40 a second, burst 40: 1, 4 and 16 replicas of 10 waiters that ask again as soon as they are served
//	C  1,000 and 20,000 a second, burst = rate: 8 replicas of 32 waiters
//	D  how late a single waiter starts at 40 a second
//	X  40 a second: 4 replicas of 10 waiters that give up after a random time below 2 s and ask again
//	R  raw limits of the machine: PING, EVALSHA, pipelines, time.Sleep, and what doing nothing costs
//	S  what Redis says that weir's script takes
//	T  weir alone: three APIs under one budget on 64 replicas, with urgent calls
//	M  weir alone: what its scripts take beside the records of 1,000 replicas, 50,000 tenants or 50,000 dead replicas, and how large
//	   these records are, now and with the scripts of a former version
//
// All replicas live in this process, each with a client of its own with its library's defaults. What cannot work across
// processes at all is marked "one process" and shares one limiter.
//
// # The numbers of A
//
// Operations a second are calls that were allowed, from the first to the last moment of the measurement; before it
// everybody asks for 0.4 s, so that connections and caches are warm. The p50 is over every 16th call: reading the clock
// costs as much as a whole call to what needs no Redis. Allocations are the heap objects of the process ÷ calls, with one
// goroutine. Errors count refusals, too: nothing should be refused. "EVALSHA of a hash" is no limiter but a script that
// reads TIME and two fields of a hash and writes them, through the same client as most: about the least that a limiter
// on Redis' clock can do. One goroutine is measured five times a round, as its round trips depend on whether the kernel
// has put it on one CPU with Redis.
//
// # The numbers of B, C and X
//
// A start is the moment at which Wait returned. The window that is measured begins 2 s (C: 3 s) after the first waiter
// asked, when every burst is spent, and lasts 8 s (C: 5 s, X: 10 s), for weir in B a minute besides.
//
//	use              starts in the window ÷ (rate × its length)
//	worst 1 s        most starts in any second of the window ÷ rate
//	over, no slack   calls above burst + rate·T in the worst window T of the whole run, first burst included; exact
//	over the law     the same above burst + rate·(T + 50 ms), which is what weir promises; 0 or less keeps it
//	calls/token      runs of scripts (EVALSHA, EVAL) by INFO commandstats in the window ÷ starts in it. throttled reads
//	                 without a script: its TIME, EVAL and SETNX are counted, which is its round trips
//	Jain             (Σx)² ÷ (n·Σx²) over the starts x of each waiter in the window
//	± mean           how far the waiter farthest from the mean is from it, in starts
//	got nothing      waiters without a start in the window
//	longest ÷ med    the longest wait ÷ the median of the waits that ended in the window; a waiter that still waits at its
//	                 end counts among the longest with the time it has waited
//	client µs/token  CPU of this process, user and system, by getrusage in the window ÷ starts: limiter, client, and the
//	                 bench, which is the same for all
//	Redis µs/token   used_cpu_user + used_cpu_sys by INFO in the window ÷ starts
//
// The last two include what both processes cost when nobody asks for anything, the row "nothing at all" of R. Giving up
// in X is a context that is cancelled, not a deadline: a limiter that knew the deadline could refuse without waiting.
//
// # The numbers of D
//
// Lateness is start − the time of the token by the law: once the burst is spent, the k-th call after it may start k
// intervals after the bucket was full for the last time. For x/time/rate and uber/ratelimit that moment is known, for weir
// it is read from the bucket, on Redis' clock, which is this machine's; of the others it is taken to be just before
// their first call, so that they look late by up to half a round trip. A negative time is a start that the law forbids.
// At least five rounds.
//
// # The numbers of S and T
//
// S is usec ÷ calls of EVALSHA by INFO commandstats, around calls of the limiter itself from one goroutine. In T every
// replica has 5 waiters on each of three routes of 5, 20 and 2 a second, which end in a bucket of 40, or 10 waiters on
// that bucket alone; burst is the tokens of a second. Use and calls are over a minute; then come 20 urgent calls, a second
// apart, each from another replica, while all others go on. The law is over all starts of the run.
//
// # The numbers of M
//
// Each world is made by running the scripts, as many times as the replicas would. A replica that lives has made a call on each of 10
// routes. Each tenant has a bucket of its own, made at run time, and has been used once, through one of four replicas. The dead have
// announced themselves; then the clock by which records age is moved by an hour. The former version could not announce 50,000 replicas
// within hours. Its records of the dead are written as its script wrote them.
//
// A script's time is the duration in Redis' slow log. It is wall time: a machine that does other work meanwhile adds milliseconds
// to some runs, as it does to the loop that reads nothing. That is why a goal is on nine of ten runs, and not on the longest.
//
//	÷ empty          median ÷ the median of the same call in the namespace of an empty fleet on the same Redis, in turn with it
//	p90              nine of ten runs take no longer
//	before           the median with the scripts of testdata/former, which kept everything in one hash
//	fields           of the namespace's hash
//	bytes each       what the world added to used_memory ÷ its replicas or tenants
//
// A configure finds 64 dead replicas to forget, each time. The former one forgot all in one run, so that each run is on records made
// anew. "Once over former records" is the first configure of this version where the former one has been: it happens once, and has no goal.
// The reservations that were returned lie on a bucket without a token.
package main
