package lua

import (
	"strconv"
	"strings"
)

// The fields of [Keys.State] are
//
//	epoch            identity of the memory, version of the configuration, the namespace's own time
//	told, force      what the fleet was told, and the limits in force
//	replica:SESSION  when a process was last seen, and the digest of its wish
//	wish:DIGEST      the limits that replicas were configured with
//	last:SESSION:... the last reply to a process on a route, for a repeat; no session holds a colon
//	spare:...        reservations that were given back on a path
//	limit:US:BUCKET  the level of a limit, and window:US:BUCKET

// Keys names what one namespace keeps in Redis. All names share the hash tag {namespace}.
type Keys string

// State is the hash, without TTL, of the namespace: its epoch, its configuration, its replicas, and the level of each of
// its limits.
func (k Keys) State() string { return "{" + string(k) + "}:state" }

// Own is the string, with TTL, of the level of a limit that was made at run time.
func (k Keys) Own(f Field) string { return "{" + string(k) + "}:own:" + f.String() }

// Log is the list, with TTL, of the last due times of a window limit, the newest first.
func (k Keys) Log(f Field) string { return "{" + string(k) + "}:log:" + f.String() }

// Replicas is the sorted set of replica ids by the time (Redis clock, milliseconds) of their last heartbeat.
func (k Keys) Replicas() string { return "{" + string(k) + "}:replicas" }

// Replica is the string, with TTL, of one replica's last snapshot.
func (k Keys) Replica(id string) string { return "{" + string(k) + "}:replica:" + id }

// Field names a limit within a namespace: which bucket, and per what time, as it was configured. A bucket has at most
// one limit of a kind per time, so that limits keep their levels in whatever order they are written down.
type Field struct {
	Bucket string
	PerUS  int64 // microseconds
	Window bool
}

// String is the field of [Keys.State] that holds the limit's level.
func (f Field) String() string {
	kind := "limit:"
	if f.Window {
		kind = "window:"
	}
	return kind + strconv.FormatInt(f.PerUS, 10) + ":" + f.Bucket
}

// ParseField reads what String writes.
func ParseField(s string) (Field, bool) {
	kind, rest, _ := strings.Cut(s, ":")
	per, bucket, ok := strings.Cut(rest, ":")
	us, err := strconv.ParseInt(per, 10, 64)
	return Field{Bucket: bucket, PerUS: us, Window: kind == "window"}, ok && err == nil && (kind == "limit" || kind == "window")
}

// lastField is that of the last call of one process on one lane.
func lastField(session, lane string) string { return "last:" + session + ":" + lane }

// spareField is that of the reservations that were given back on a path: routes that pass the same limits share them,
// whatever they are called.
func spareField(path []Limit) string {
	var b strings.Builder
	b.WriteString("spare")
	for i, l := range path {
		if i == 0 {
			b.WriteByte(':')
		} else {
			b.WriteByte(' ') // which no name holds
		}
		b.WriteString(l.Field.String())
	}
	return b.String()
}
