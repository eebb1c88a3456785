// Bench compares weir with other rate limiters for Go, on a Redis of its own, and prints a table for each workload.
//
//	go -C bench run .                  everything, about three quarters of an hour
//	go -C bench run . --quick          the same with short measurements, in one round
//	go -C bench run . --only A,D       some workloads
//	go -C bench run . --json           one JSON object instead of tables
//
// It starts the redis-server on the PATH, without persistence, on a free port of 127.0.0.1. A workload measures all
// contestants in turn, in several rounds. Tables show the median of the rounds, or the worst round for numbers of which
// one bad round is too many. The speed of a shared machine drifts by a factor of two within minutes. Therefore only ratios
// within a table mean something. A goal that compares two contestants is the median of the ratios of each round.
//
// # The workloads
//
//	A  Allow with a limit that is never reached, from 1, 8, 64 and 256 goroutines of one process, and from 8 replicas of 8
//	B  40 a second, burst 40: 1, 4 and 16 replicas of 10 waiters that wait again as soon as they have started
//	C  1,000 and 20,000 a second, burst = rate: 8 replicas of 32 waiters
//	D  how late a single waiter starts at 40 a second
//	X  40 a second: 4 replicas of 10 waiters that give up after a random time below 2 s and wait again
//	R  raw limits of the machine: PING, EVALSHA, pipelines, time.Sleep, and the cost of an idle process
//	S  the time of weir's script, as Redis reports it
//	T  only weir: three APIs under one budget on 64 replicas, with urgent calls
//	M  only weir: the time of its scripts in a Redis with the records of 1,000 replicas, 50,000 tenants or 50,000 dead replicas, and
//	   the size of these records, now and with the scripts of a former version
//
// All replicas are in this process. Each has its own client with the defaults of the library. A limiter that cannot work across
// processes is marked "one process", and its replicas share one limiter.
//
// # The numbers of A
//
// Operations a second are allowed calls, from the first to the last moment of the measurement. For 0.4 s before it
// all goroutines call Allow, so that connections and caches are warm. The p50 is over every 16th call, because reading the clock
// costs as much as a whole call that needs no Redis. Allocations are the heap objects of the process ÷ calls, with one
// goroutine. Errors include refusals, because no call should be refused. "EVALSHA of a hash" is not a limiter but a script that
// reads TIME and two fields of a hash and writes them, with go-redis. It is about the least work of a limiter that uses
// Redis' clock. One goroutine is measured five times a round, because its round trips depend on whether the kernel
// runs it on the same CPU as Redis.
//
// # The numbers of B, C and X
//
// A start is the moment at which Wait returned. The measured window begins 2 s (C: 3 s) after the first wait
// began, when every burst is spent. It lasts 8 s (C: 5 s, X: 10 s). In B weir has one more row, over a minute.
//
//	use              starts in the window ÷ (rate × its length)
//	worst 1 s        most starts in any second of the window ÷ rate
//	over, no slack   calls above burst + rate·T in the worst window T of the whole run, first burst included; exact
//	over the law     calls above burst + rate·(T + 50 ms), which weir promises not to exceed; 0 or less keeps the promise
//	calls/token      runs of scripts (EVALSHA, EVAL) by INFO commandstats in the window ÷ starts in it. throttled reads
//	                 without a script: its TIME, EVAL and SETNX are counted, which are its round trips
//	Jain             (Σx)² ÷ (n·Σx²) over the starts x of each waiter in the window
//	± mean           the largest difference between the starts of a waiter and the mean of all waiters
//	got nothing      waiters without a start in the window
//	longest ÷ med    the longest wait ÷ the median of the waits that ended in the window; a wait that goes on at the end of
//	                 the window counts among the longest, with the time until then
//	client µs/token  CPU of this process, user and system, by getrusage in the window ÷ starts: limiter, client, and the
//	                 bench, which is the same for all
//	Redis µs/token   used_cpu_user + used_cpu_sys by INFO in the window ÷ starts
//
// The last two include the cost of both processes while they are idle, which is the row "nothing at all" of R. A waiter in X gives up
// by cancelling its context, not by a deadline, because a limiter that knew the deadline could refuse without waiting.
//
// # The numbers of D
//
// Lateness is the start − the time of the token by the law. After the burst, the k-th call may start k
// intervals after the moment at which the bucket was last full. For x/time/rate and uber/ratelimit the bench knows that moment. For weir
// it reads the moment from the bucket, on Redis' clock, which is the clock of this machine. For the others it assumes a moment just before
// their first call, so that they look late by up to half a round trip. A negative time is a start that the law forbids.
// D has at least five rounds.
//
// # The numbers of S and T
//
// S is usec ÷ calls of EVALSHA by INFO commandstats, while one goroutine calls the limiter. In T every
// replica has 5 waiters on each of three routes of 5, 20 and 2 a second, which end in a shared bucket of 40, or 10 waiters on
// that bucket alone. The burst is the tokens of a second. Use and calls are over a minute. Then follow 20 urgent calls, a second
// apart, each from another replica, while all waiters go on. The numbers over the law are over all starts of the run.
//
// # The numbers of M
//
// The bench makes each world by running the scripts as often as the replicas would. A live replica has made a call on each of 10
// routes. Each tenant has a bucket of its own, made at run time, and has made one call, through one of four replicas. Dead replicas have
// announced themselves. Then the bench moves the clock by which records age by an hour. The former version would need hours to announce
// 50,000 replicas. Therefore the bench writes its records of dead replicas directly, as its script wrote them.
//
// A script's time is the duration in Redis' slow log. This is wall time: other work of the machine adds milliseconds
// to some runs, also to the runs of the loop that reads nothing. Therefore a goal is on nine of ten runs, and not on the longest.
//
//	÷ empty          median ÷ the median of the same call in the namespace of an empty fleet on the same Redis, in turn with it
//	p90              nine of ten runs take no longer
//	before           the median with the scripts of testdata/former, which kept all records in one hash
//	fields           fields of the namespace's hash
//	bytes each       bytes that the world added to used_memory ÷ its replicas or tenants
//
// Each configure forgets 64 dead replicas. The former version forgot all of them in one run, so the bench makes the records again before
// each run. "Once over former records" is the first configure of this version in a namespace of the former one. It happens once, and has no
// goal. Returned reservations belong to a bucket without a token.
package main
