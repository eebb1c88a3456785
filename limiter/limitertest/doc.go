// Package limitertest helps to test what is built on package limiter, and what is to stand in its place.
//
//   - [Run] holds a limiter to the contract, scenario by scenario, in virtual time: costs, lines that give up, bursts of one, slow rates.
//   - [RunFleet] does so with limiters that share their buckets, while some of them die.
//   - [Law] checks the promise itself over the times at which calls really started.
//   - [Redis] is a Redis inside a testing/synctest bubble, where a minute of rate limiting takes a moment and is exact;
//     [Server] is the real one, where what was proven in the bubble wants to be proven again.
package limitertest
