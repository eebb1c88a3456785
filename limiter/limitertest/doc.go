// Package limitertest helps to test programs that use package limiter, and replacements of it.
//
//   - [Run] checks a limiter against the contract, scenario by scenario, in virtual time: costs, lines that give up,
//     bursts of one, slow rates.
//   - [RunFleet] does the same with limiters that share their buckets, while some of them die.
//   - [Law] checks the promise itself over the times at which calls really started.
//   - [Redis] is a Redis inside a testing/synctest bubble, where a minute of rate limiting takes a moment and is exact.
//     [Server] is a real one: repeat there what was tested in the bubble.
package limitertest
