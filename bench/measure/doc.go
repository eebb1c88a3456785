// Package measure computes the numbers of the tables: how far start times exceed the law, how evenly waiters were served, quantiles,
// and the cost of a span of time for this process and for Redis. Its arithmetic has no clock and no state.
package measure
