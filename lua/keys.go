package lua

import (
	"strconv"
	"strings"
)

// The fields of [Keys.State] are
//
//	epoch            identity of the memory, version of the configuration
//	time             count of grants, the namespace's own time
//	told, force      what the fleet was told, and the limits in force
//	limit:US:BUCKET  the level of a limit, and window:US:BUCKET
//	lost:...         what is known of a slow limit that was lost
//
// Their number is the number of configured limits, whatever the number of replicas and of routes made at run time.

// Keys returns the names of all keys of one namespace. All names share the hash tag {namespace}.
type Keys string

// State is the hash, without TTL, of the namespace: its epoch, its configuration, and the level of each of its
// configured limits.
func (k Keys) State() string { return "{" + string(k) + "}:state" }

// Live is the sorted set, with TTL, of the live replicas, by their last announcement.
func (k Keys) Live() string { return "{" + string(k) + "}:live" }

// Wishes is the hash, without TTL, of the limits that replicas were configured with. Its entries age.
func (k Keys) Wishes() string { return "{" + string(k) + "}:wishes" }

// Replies is the hash, with TTL, of the last reply to each lane of a process, for a repeat.
func (k Keys) Replies(session string) string { return "{" + string(k) + "}:replies:" + session }

// Spares is the string, with TTL, of the reservations that were returned on a path. Routes that pass the same limits
// share them, whatever their names.
func (k Keys) Spares(path []Limit) string {
	var b strings.Builder
	b.WriteString("{" + string(k) + "}:spares")
	for i, l := range path {
		b.WriteByte(": "[min(i, 1)]) // no name holds a blank
		b.WriteString(l.Field.String())
	}
	return b.String()
}

// Own is the string, with TTL, of the level of a limit that was made at run time.
func (k Keys) Own(f Field) string { return "{" + string(k) + "}:own:" + f.String() }

// Line is the sorted set, with TTL, of the lanes that wait at a limit, by arrival.
func (k Keys) Line(f Field) string { return "{" + string(k) + "}:line:" + f.String() }

// Log is the sorted set, with TTL, of the starts of a window limit: due times by the number of the last start at them.
func (k Keys) Log(f Field) string { return "{" + string(k) + "}:log:" + f.String() }

// Replicas is the sorted set, with TTL, of replica ids by the time (Redis clock, milliseconds) of their last record.
func (k Keys) Replicas() string { return "{" + string(k) + "}:replicas" }

// Replica is the string, with TTL, of the last record of a replica.
func (k Keys) Replica(id string) string { return "{" + string(k) + "}:replica:" + id }

// Order is the string, with TTL, of the order of an operator to a replica.
func (k Keys) Order(id string) string { return "{" + string(k) + "}:order:" + id }

// Events is the stream, with TTL, of what operators have done.
func (k Keys) Events() string { return "{" + string(k) + "}:events" }

// Field names a limit within a namespace: its bucket, and its configured time. A bucket has at most one limit of a kind
// per time, so that limits keep their levels in whatever order they are configured.
type Field struct {
	Bucket string
	PerUS  int64 // microseconds
	Window bool
}

// String returns the field of [Keys.State] that holds the limit's level.
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
