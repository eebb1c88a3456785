// Package paper simulates a fleet ("on paper"): thousands of replicas and one Redis, in virtual time. It shows how much of its budget
// a fleet of a given size uses, how often the fleet calls Redis, and at which size one Redis is no longer enough. It needs no such
// fleet.
//
//	callers ─→ lane ─→ network ─→ one Redis, one call at a time ─→ network ─→ lane ─→ callers
//	                                └─ bucket.Decide, the core; the scripts implement the same decisions
//
// [Run] simulates a [World] and returns a [Result]. A run is one loop over a heap of events. It starts no goroutine and reads no
// clock. Therefore equal worlds have equal results.
//
// # What is modelled
//
//   - The decisions of Redis: limiter/internal/bucket itself makes them, including the line.
//   - When a lane asks: the rules of limiter/internal/lane for callers of [limiter.Limiter.Wait] without a deadline. Callers that arrive
//     while a request is under way share the next one. Callers gather while their lane holds reservations. A lane in line asks again at
//     the time that the reply gave, after 5 s at most, with the same jitter. Due times are mapped to the clock of the replica as the
//     limiter maps them.
//   - Which script a request runs: the short one, the one that knows the line, or both, one after the other.
//   - Redis: a server that does one thing at a time. A script takes longer for more asks, for each further limit and for a longer line.
//   - The network: a minimum trip time and a random part, drawn for each direction.
//   - What a replica writes to Redis about itself: its configuration every 10 s, its record every 2 s.
//   - Callers: each asks, starts, works for the length of a task, and asks again. The end of a task is late by the error of a timer.
//
// # What is not modelled
//
//   - The CPU of replicas: their work takes no time. A lane's own timer is exact.
//   - Failures: a Redis that loses its data, lost replies, a request that takes longer than [limiter.Config.CallTimeout]. The queue in front
//     of Redis stays shorter than that, because each lane has at most one request under way. [Result.Slowest] shows the longest request.
//   - Callers that give up, deadlines, urgent calls, costs other than 1, and returned reservations.
//   - Providers that refuse calls, and rates that follow the provider. Limits that change, and pauses.
//   - Several Redis servers. A fleet of several namespaces, one on each server, is several worlds.
//
// If the short script cannot serve a request because its caller has to wait, the full script runs one round trip later. In this model
// the first run decides, so the decision is one round trip earlier than in a real fleet.
package paper
