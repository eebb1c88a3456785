// Command faults plays the rows of integration/faults against weir and against other limiters, and writes the figures side by side.
//
//	go -C bench run ./faults --json figures.jsonl --write ../docs/peers-under-faults.md
//
// A replica of each limiter is a process of its own. The tasks, the timeouts of the client of Redis, the provider and the judge are the same
// for all. Each row is played against one limiter after the other. A line of JSON follows each play, with the name of the limiter.
//
// A run can be made in portions: with --json, each line is appended to a file, and what is in the file is not played again. With --for, no
// play starts after that time. The page has the last figures of each row and limiter in the file.
//
// # How the others wait
//
// Each is configured as its documentation recommends for N calls a second of a fleet on one Redis, in a loop that waits until a call may
// start. redis_rate is asked by Allow, and asked again after RetryAfter. ulule is asked by Get, and asked again at Reset. Reset is in whole
// seconds, rounded down: where it has passed, the loop sleeps for 20 ms. After an error of Redis both loops sleep for 100 ms and ask again,
// so that nothing starts while Redis is away. x/time/rate has Wait, and shares nothing: each process has the rate ÷ replicas, and the
// burst ÷ replicas, but at least 1.
//
// The status is 1 where a row could not be played. A row that was played is not judged: marks are weir's promises.
package main
