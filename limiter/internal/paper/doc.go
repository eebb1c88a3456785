// Package paper plays a fleet of replicas on paper: thousands of replicas, one Redis, and virtual time. It says what a fleet of a
// size uses of its budget, how often it calls Redis, and where one Redis stops being enough, without the machines for it.
//
//	callers ─→ lane ─→ network ─→ one Redis, one call at a time ─→ network ─→ lane ─→ callers
//	                                └─ bucket.Decide, the core that the scripts are written after
//
// [Run] plays a [World] and returns a [Result]. A run is one loop over a heap of events. It has no goroutine and reads no clock, so
// that equal worlds have equal results.
//
// # What is modelled
//
//   - What Redis decides: limiter/internal/bucket itself, line and all.
//   - When a lane asks: the rules of limiter/internal/lane for callers of [limiter.Limiter.Wait] without a deadline. Callers that come
//     while a request is under way share the next one. Callers gather while their lane holds reservations. A lane in line asks again when
//     it was told to, within 5 s, with the same jitter. Due times are mapped to the clock of the replica as the limiter maps them.
//   - Which script a request runs: the short one, the one that knows the line, or both, one after the other.
//   - Redis: a server that does one thing at a time. A script takes longer for more asks, for another limit and behind more lanes.
//   - The network: a shortest trip and a random part, drawn for each way.
//   - What a replica says of itself: its configuration every 10 s, its record every 2 s.
//   - Callers: each asks, starts, works for the length of a task, and asks again. The end of the task is as late as timers are.
//
// # What is not modelled
//
//   - The CPU of replicas: what they have to do takes no time. A lane's own timer is exact.
//   - Failures: a Redis that forgets, replies that are lost, a call that takes longer than [limiter.Config.CallTimeout]. A queue in front of
//     Redis is shorter than that, because each lane has one call under way; [Result.Slowest] shows the longest call.
//   - Callers that give up, deadlines, urgent calls, costs other than 1, and reservations that go back.
//   - Providers that refuse, and rates that follow them. Limits that change, and pauses.
//   - Several Redis servers. A fleet of several namespaces, one on each server, is several worlds.
//
// Where the short script turns a request away because its caller has to wait, the decision is as of the first of the two runs, one round
// trip before that of a real fleet.
package paper
