// Package fleet reads what the replicas of a namespace publish: which replicas exist, what waits in each, and the
// buckets they share. It never writes.
//
// Each limiter publishes a record of its replica, at most 8 KiB of JSON, every two seconds while it changes and every
// ten while it does not ([limiter.Record]). The orchestrator and the worker add sections to it. A replica that stops
// publishing is shown as lost for a minute; an orderly end removes it at once. Ages are measured only by Redis' clock.
//
// [Read] costs seven commands and one for each replica, in three round trips, without scans and scripts. A replica
// whose record was written by another version and cannot be read is listed with its name and its age.
package fleet
