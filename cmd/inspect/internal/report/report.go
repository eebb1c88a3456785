package report

import (
	"encoding/json"
	"time"
)

// Schema names the form of the JSON.
const Schema = "weir.inspect/v1"

// Report is a fleet at one moment.
type Report struct {
	Schema    string    `json:"schema"`
	At        time.Time `json:"at"` // Redis clock
	Namespace string    `json:"namespace"`
	Redis     string    `json:"redis"`   // its address
	Epoch     string    `json:"epoch"`   // of Redis' memory, "" where nobody has used the namespace
	Grants    int64     `json:"grants"`  // reservations handed out in it
	Version   int64     `json:"version"` // of the configuration in force
	Live      int       `json:"live"`    // limiters that have announced themselves in the last half minute
	Partial   bool      `json:"partial"` // some records are of another version, or left something out
	Cost      Cost      `json:"cost"`    // of this reading
	Server    Server    `json:"server"`  // what Redis reports of itself

	Buckets  []Bucket  `json:"buckets"`  // by name
	Routes   []Route   `json:"routes"`   // by name
	Replicas []Replica `json:"replicas"` // by name
	Batches  []Batch   `json:"batches"`  // by name
	Warnings []string  `json:"warnings"` // what needs an operator, most important first
}

// Cost is what it took to read the report.
type Cost struct {
	Commands int     `json:"commands"`
	Bytes    int64   `json:"bytes"` // that Redis has sent
	MS       float64 `json:"ms"`
}

// Server is what Redis reports of itself; null where the user may not ask.
type Server struct {
	Version     *string `json:"version"`
	Role        *string `json:"role"`
	UptimeS     *int64  `json:"uptime_s"`
	UsedMemory  *int64  `json:"used_memory"` // bytes
	MaxMemory   *int64  `json:"maxmemory"`   // bytes, 0 for no bound
	Policy      *string `json:"maxmemory_policy"`
	EvictedKeys *int64  `json:"evicted_keys"`
	Clients     *int64  `json:"clients"`
	OpsPerS     *int64  `json:"ops_per_s"`
	AOF         *bool   `json:"aof"`          // writes an append-only file
	Replicas    *int64  `json:"replicas"`     // connected Redis replicas
	GoodEnough  *int64  `json:"min_replicas"` // that are good enough for min-replicas-to-write; null where that is not set
}

// Bucket is one limit of one bucket.
type Bucket struct {
	Name    string  `json:"name"`
	State   State   `json:"state"`
	Limit   string  `json:"limit"`
	Tokens  float64 `json:"tokens"`
	Debt    float64 `json:"debt"`    // tokens promised ahead of refill
	Waiting float64 `json:"waiting"` // tokens that those in line wait for
	Rate    float64 `json:"rate"`    // tokens a second
	Burst   int64   `json:"burst"`
	Window  bool    `json:"window"` // at most burst in any stretch of burst ÷ rate
	Set     bool    `json:"set"`    // at run time, for the whole fleet
	Paused  bool    `json:"paused"`
	// PausedMS is how long it still is; null where it is not, or until somebody resumes it.
	PausedMS *int64 `json:"paused_ms"`
	// HeldBy is the replica whose provider asked for the pause, HeldSince when; null where somebody paused the bucket.
	HeldBy    *string    `json:"held_by"`
	HeldSince *time.Time `json:"held_since"`
	Shadowed  bool       `json:"shadowed"` // delays nobody, and is only asked what it would have done
	Served    float64    `json:"served"`   // part of the rate at which calls start: the provider has refused more, or little is left
	Wishes    []Wish     `json:"wishes"`   // what replicas were configured with, where they disagree

	UsedPerS    *float64 `json:"used_per_s"`    // tokens of calls that started, of all replicas, in the last ten seconds
	RefusedPerS *float64 `json:"refused_per_s"` // calls that the provider refused
	Calls       int      `json:"calls"`         // calls and tasks that wait, of routes that pass the bucket
	OldestMS    *int64   `json:"oldest_ms"`     // how long the first of them has waited; null where none waits
	EtaMS       *int64   `json:"eta_ms"`        // until they have started, at the present pace; null where there is none
	Shares      []Share  `json:"shares"`        // of the replicas that use it, the largest first
}

// Wish is what some replicas were configured with.
type Wish struct {
	Limits   []string `json:"limits"`
	Replicas []string `json:"replicas"`
}

// Share is what one replica has of a bucket.
type Share struct {
	Replica  string  `json:"replica"`
	Used     int64   `json:"used"`       // tokens, since the replica began
	UsedPerS float64 `json:"used_per_s"` // in the last ten seconds
	Refused  int64   `json:"refused"`    // calls that the provider refused, since the replica began
	Delayed  int64   `json:"delayed"`    // calls that started in shadow mode and that the bucket would have delayed, since the replica began
}

// State is what an operator should think of a bucket, in one word.
type State string

// The states of a bucket, from the one that needs most attention on.
const (
	Paused   State = "paused"   // somebody has paused it
	Held     State = "held"     // a provider has asked to wait
	Disputed State = "disputed" // replicas were configured with different limits
	Follows  State = "follows"  // it is slowed down, because its provider refuses calls or says that little is left
	Waiting  State = "waiting"  // calls queue for it
	Busy     State = "busy"     // more than 80 % of the rate is used
	OK       State = "ok"
)

// severity is the place of a state in that order.
func (s State) severity() int {
	for i, t := range [...]State{Paused, Held, Disputed, Follows, Waiting, Busy} {
		if s == t {
			return i
		}
	}
	return 6
}

// Route is what waits on one route, in all replicas.
type Route struct {
	Name       string   `json:"name"`
	Buckets    []string `json:"buckets"` // that it passes, narrowest first
	Waiting    int      `json:"waiting"` // calls and tasks
	Urgent     int      `json:"urgent"`  // of those that wait, like the two below; calls that are not urgent are normal
	Normal     int      `json:"normal"`
	Background int      `json:"background"`
	Reserved   int      `json:"reserved"` // calls that have a reservation which is not due yet
	InFlight   int      `json:"in_flight"`
	OldestMS   *int64   `json:"oldest_ms"`
	TurnMS     *int64   `json:"turn_ms"` // until its next call is expected to start
	EtaMS      *int64   `json:"eta_ms"`
	Shut       string   `json:"shut"`     // why tasks of it do not start in some replica; "" where they do
	Replicas   int      `json:"replicas"` // that have something waiting
}

// Replica is one replica.
type Replica struct {
	ID             string          `json:"id"`
	State          string          `json:"state"` // up, draining, lost or unknown
	HeartbeatAgeMS int64           `json:"heartbeat_age_ms"`
	Host           string          `json:"host"`
	PID            int             `json:"pid"`
	Addr           string          `json:"addr"`
	Version        string          `json:"version"`
	UpMS           *int64          `json:"up_ms"` // since its limiter began, by its clock and that of Redis
	Slots          *int            `json:"slots"`
	Pending        *int            `json:"pending"` // calls and tasks that wait
	OldestMS       *int64          `json:"oldest_ms"`
	InFlight       *int            `json:"in_flight"`
	Done           *int64          `json:"done"`
	Failed         *int64          `json:"failed"`
	RedisCalls     *int64          `json:"redis_calls"`
	AwayMS         *int64          `json:"away_ms"`     // for how long Redis was away, of all times together, as the replica saw it
	AwayAgoMS      *int64          `json:"away_ago_ms"` // how long ago the last of these times ended, in steps of 10 s; null where there was none
	Record         json.RawMessage `json:"record"`      // as it was published, also what this version does not know
}

// Batch is a batch that has not finished.
type Batch struct {
	ID      string `json:"id"`
	Replica string `json:"replica"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Failed  int    `json:"failed"`
}
