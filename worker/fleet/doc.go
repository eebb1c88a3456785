// Package fleet reads what the replicas of a namespace publish: who is there, what waits in each, and the buckets they share. It only reads.
//
// Each limiter publishes a record of its replica, at most 8 KiB of JSON, every two seconds while it changes and every ten while it does
// not ([limiter.Record]). The orchestrator and the worker add sections to it. A replica that falls silent is shown as lost for a minute; an
// orderly end removes it at once. Ages are measured by Redis' clock alone.
//
// [Read] costs seven commands and one for each replica, in three round trips: no scan, no script. A replica whose record cannot be read,
// because another version has written it, is there with its name and its age.
package fleet
