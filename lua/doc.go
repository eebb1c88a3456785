// Package lua holds every script that runs in Redis, every key that the project writes there, and the Go types of what
// goes in and comes out.
//
// A script is a list of fragments, joined as text when the package is loaded: script.go has the lists. All fragments of a
// script see the same locals, and what several scripts do is written once. Two scripts acquire tokens: the plain one serves
// configured buckets without a line, which is nearly every call, and says so where it cannot; the full one serves everything.
// limiter/internal/bucket explains their rules and is the same algorithm in Go.
//
// configure decides which limits are in force and what becomes of their levels; its fragments are told, wishes, force, collect and
// levels, in this order.
//
// Each record in Redis begins with the version of its format, [Version]. Every record that a script reads is brought into the bounds of what the
// scripts can have written, where it is read; keys of another type are removed.
//
// It knows nothing of policy. A script decides by Redis' own clock, takes and returns integers and names only, checks
// all of its arguments before it charges anything, and keeps to keys that share the hash tag of one namespace, so that a
// call is one slot of a Redis Cluster.
//
// Functions are safe for concurrent use and hold no state. What Redis or the network refuses comes back wrapped; what a
// script itself has to say is a status in the reply, never an error text to be compared.
package lua
