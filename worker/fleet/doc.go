// Package fleet reads the state that the replicas of a namespace publish: which replicas exist, how many calls and
// tasks wait in each, and the buckets that they share. It never writes.
//
// Each limiter publishes a record of its replica ([limiter.Record]), at most 8 KiB of JSON. It publishes every two
// seconds while the record changes, and every ten seconds while it does not. The orchestrator and the worker add
// sections to the record. A replica that stops publishing is listed as lost for a minute. A replica that ends in order
// removes its record at once. Redis' clock measures all ages.
//
// [Read] sends seven commands, and one more for each replica, in three round trips. None is a scan or a script. A
// replica whose record was written by another version and cannot be read is listed with its name and its age.
package fleet
