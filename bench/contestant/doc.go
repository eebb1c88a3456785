// Package contestant gives all measured limiters one interface: Allow, which answers at once, and Wait, which returns when a call
// may start.
//
// A fleet is a number of replicas with one budget. Each replica has a client of its own with the defaults of its library,
// as a separate process would. A limiter that works only within one process is shared by the whole fleet and is marked
// OneProcess. It shows the cost of a budget that no other process shares.
//
// A limiter without a wait of its own is polled: after the time that it returns, or after 5 ms if it returns no time or an error.
package contestant
