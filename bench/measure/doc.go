// Package measure turns what was seen into the numbers of the tables: the law over start times, how evenly waiters were
// served, quantiles, and what a stretch of time cost this process and Redis. Its arithmetic has no clock and no state.
package measure
