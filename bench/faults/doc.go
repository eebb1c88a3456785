// Command faults plays the rows of integration/faults against weir and against other limiters, and writes the figures side by side.
//
//	go -C bench run ./faults --json figures.jsonl --write ../docs/peers-under-faults.md
//
// Each replica is a process of its own. The tasks, the timeouts of the Redis client, the provider and the judge are the same
// for all limiters. Each row is played against one limiter after the other. After each play the command prints a line of JSON with the name of
// the limiter.
//
// A run can be split. With --json, each line is appended to a file, and rows in the file are not played again. With --for, no
// play starts after that time. The page has the last figures in the file for each row and limiter.
//
// # How the others wait
//
// Each limiter is configured as its documentation recommends for a fleet on one Redis, in a loop that waits until a call may
// start. The loop of redis_rate calls Allow, and calls it again after RetryAfter. The loop of ulule calls Get, and calls it again at Reset.
// Reset is in whole seconds, rounded down; if it has passed, the loop sleeps for 20 ms. After an error of Redis both loops sleep for 100 ms and
// ask again, so that no call starts while Redis is away. x/time/rate has Wait and no shared state: each process has the rate ÷ replicas, and the
// burst ÷ replicas, but a burst of at least 1.
//
// The exit status is 1 if a row could not be played. The figures of a row do not change the status, because its marks are promises of weir only.
package main
