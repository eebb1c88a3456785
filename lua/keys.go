package lua

import "strconv"

// Keys names what one namespace keeps in Redis. All names share the hash tag {namespace}.
type Keys string

// State is the hash, without TTL, of the namespace's epoch and the level of each of its limits.
func (k Keys) State() string { return "{" + string(k) + "}:state" }

// Last is the string, with TTL, of the last call of one caller on one route and its reply. The caller's name holds no
// colon, so that no two pairs have one key.
func (k Keys) Last(caller, route string) string {
	return "{" + string(k) + "}:last:" + caller + ":" + route
}

// Replicas is the sorted set of replica ids by the time (Redis clock, milliseconds) of their last heartbeat.
func (k Keys) Replicas() string { return "{" + string(k) + "}:replicas" }

// Replica is the string, with TTL, of one replica's last snapshot.
func (k Keys) Replica(id string) string { return "{" + string(k) + "}:replica:" + id }

// LimitField is the field of State that holds the level of the i-th limit of a bucket.
func LimitField(bucket string, i int) string { return "limit:" + strconv.Itoa(i) + ":" + bucket }
