// Package lua holds every script that runs in Redis, every key that the project writes there, and the Go types of what
// goes in and comes out: one script, one file, one Go function.
//
// It knows nothing of policy. A script decides by Redis' own clock, takes and returns integers and names only, checks
// all of its arguments before its first write, and keeps to keys that share the hash tag of one namespace, so that a
// call is one slot of a Redis Cluster.
//
// Functions are safe for concurrent use and hold no state. What Redis or the network refuses comes back wrapped; what a
// script itself has to say is a status in the reply, never an error text to be compared.
package lua
