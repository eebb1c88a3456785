// Package adapt learns from a provider's answers at which rate it really serves: the rule "cut and grow".
//
// The package is pure. It has no lock, no clock and no I/O; time is an argument, in microseconds of the store's clock.
// A script in Redis follows the same rule, so both must agree exactly: the state is whole numbers, and each formula is
// float64 additions, multiplications, divisions and floor in the order that is written here.
//
// The result is a factor of the configured rate, in parts per million. It never exceeds 1, so that the configured limit
// is kept whatever a provider answers. It never falls below a floor, so that a bucket always finds out that its
// provider serves again. The lowest of three rates counts:
//
//	Refused     429            cut to what was accepted, then grow: slowly near the rate that was refused, ever faster beyond it
//	Overloaded  529, 503       fall by the part that failed, double each second; single ones change nothing
//	Remaining   headers        the provider's own limit, less where little of it remains
//
// Growing beyond the rate that was refused is a probe. Probes find a limit that came back within 10 s. Until then they
// cost 1 to 2 % of refused calls. A provider that reports what remains costs no refused calls, because nothing has to
// be tried.
//
// # Events
//
// A report is about a grant. It belongs to an event by the time at which the grant was due, not by the time of the
// report. When an event cuts the rate, reservations at the former rate are outstanding until a horizon later. Their
// refusals belong to the same event: they only show how deep it is. So reports may come in any order and from any
// number of replicas, and one event cuts once.
//
// # Level
//
// [Limit.Price] and [Limit.Slot] return what a bucket charges and when a call is due at a factor. For a window,
// [Limit.Starts] returns how much of it may be used.
package adapt
