// Package fleet lets the replicas of a namespace be seen: each publishes a snapshot of itself every two seconds, and
// anybody may read them all.
//
// What a replica says is kept in Redis for a minute; that it once was there, for ten, so that one that went silent is
// shown as lost instead of vanishing. Ages are measured by Redis' clock alone. Reading costs three commands whatever
// the number of replicas: no scan, no script.
//
// Nothing depends on what is published: a replica whose heartbeats fail works on, and tries again with the next one.
//
// [Publisher.Run] is the only goroutine, and it is the caller's.
package fleet
