// Package lua has every script that runs in Redis, every key that the project writes there, and the Go types of
// arguments and replies.
//
// A script is a list of fragments, joined as text when the package is loaded: script.go has the lists. All fragments of
// a script see the same locals, and code of several scripts is written once. Two scripts acquire tokens. The plain one
// serves configured buckets without a line, which is nearly every call; otherwise it does nothing and returns a status
// for that. The full one serves everything. limiter/internal/bucket explains their rules and is the same algorithm in
// Go.
//
// configure decides which limits are in force and updates their levels. Its fragments are settings, wanted, force,
// collect and levels, in this order.
//
// Each record in Redis begins with the version of its format, [Version]. When a script reads a record it bounds the
// record to what scripts can have written. Keys of another type are removed.
//
// The package contains no policy. A script decides by Redis' own clock, and takes and returns only integers and names.
// It checks all of its arguments before it charges anything. It uses only keys that share the hash tag of one
// namespace, so that a call is one slot of a Redis Cluster.
//
// Functions are safe for concurrent use and hold no state. Errors of Redis or the network are returned wrapped. Results
// of a script are a status in the reply, never an error text to be compared.
package lua
