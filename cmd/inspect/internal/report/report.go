package report

import (
	"encoding/json"
	"time"
)

// Schema names the version of the JSON form.
const Schema = "weir.inspect/v1"

// Report is a fleet at one moment.
type Report struct {
	Schema    string    `json:"schema"`
	At        time.Time `json:"at"` // Redis clock
	Namespace string    `json:"namespace"`
	Redis     string    `json:"redis"`   // its address
	Epoch     string    `json:"epoch"`   // of Redis' memory; "" if nobody has used the namespace
	Grants    int64     `json:"grants"`  // reservations made in the epoch
	Version   int64     `json:"version"` // of the configuration in force
	Live      int       `json:"live"`    // limiters that have announced themselves in the last half minute
	Partial   bool      `json:"partial"` // some records could not be read or are incomplete
	Cost      Cost      `json:"cost"`    // of reading this report
	Server    Server    `json:"server"`  // what Redis reports about itself

	Buckets  []Bucket  `json:"buckets"`  // by name
	Routes   []Route   `json:"routes"`   // by name
	Replicas []Replica `json:"replicas"` // by name
	Batches  []Batch   `json:"batches"`  // by name
	Warnings []string  `json:"warnings"` // conditions that need an operator, most important first
}

// Cost is the cost of reading a report.
type Cost struct {
	Commands int     `json:"commands"`
	Bytes    int64   `json:"bytes"` // received from Redis
	MS       float64 `json:"ms"`
}

// Server is what Redis reports about itself. Fields are null if the user may not call INFO.
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
	GoodEnough  *int64  `json:"min_replicas"` // Redis replicas that count for min-replicas-to-write; null if that is not set
}

// Bucket is one limit of one bucket.
type Bucket struct {
	Name    string  `json:"name"`
	State   State   `json:"state"`
	Limit   string  `json:"limit"`
	Tokens  float64 `json:"tokens"`
	Debt    float64 `json:"debt"`    // tokens promised ahead of refill
	Waiting float64 `json:"waiting"` // tokens that the callers in line wait for
	Rate    float64 `json:"rate"`    // tokens a second
	Burst   int64   `json:"burst"`
	Window  bool    `json:"window"` // at most burst tokens in any period of burst ÷ rate
	Set     bool    `json:"set"`    // set at run time, for the whole fleet
	Paused  bool    `json:"paused"`
	// PausedMS is how much longer the bucket is paused or held; null if it is not, or until somebody resumes it.
	PausedMS *int64 `json:"paused_ms"`
	// HeldBy is the replica whose provider asked to wait, and HeldSince when it did; null if somebody paused the bucket.
	HeldBy    *string    `json:"held_by"`
	HeldSince *time.Time `json:"held_since"`
	Shadowed  bool       `json:"shadowed"` // in shadow mode: it delays nobody, and only records what it would have done
	Served    float64    `json:"served"`   // part of the rate at which calls start; below 1 if the provider has refused calls or reports that little is left
	Wishes    []Wish     `json:"wishes"`   // the limits that replicas are configured with, if they disagree

	UsedPerS    *float64 `json:"used_per_s"`    // tokens of calls that started, of all replicas, in the last ten seconds
	RefusedPerS *float64 `json:"refused_per_s"` // calls that the provider refused
	Calls       int      `json:"calls"`         // calls and tasks that wait on routes through the bucket
	OldestMS    *int64   `json:"oldest_ms"`     // how long the oldest of them has waited; null if none waits
	EtaMS       *int64   `json:"eta_ms"`        // until all of them have started, at the present pace; null if unknown
	Shares      []Share  `json:"shares"`        // of the replicas that use the bucket, largest first
}

// Wish is the limits that some replicas are configured with.
type Wish struct {
	Limits   []string `json:"limits"`
	Replicas []string `json:"replicas"`
}

// Share is one replica's use of a bucket.
type Share struct {
	Replica  string  `json:"replica"`
	Used     int64   `json:"used"`       // tokens since the replica started
	UsedPerS float64 `json:"used_per_s"` // in the last ten seconds
	Refused  int64   `json:"refused"`    // calls that the provider refused since the replica started
	Delayed  int64   `json:"delayed"`    // calls that started in shadow mode and that the bucket would have delayed, since the replica started
}

// State is the state of a bucket in one word.
type State string

// The states of a bucket, beginning with the most urgent one.
const (
	Paused   State = "paused"   // somebody has paused it
	Held     State = "held"     // a provider has asked to wait
	Disputed State = "disputed" // replicas are configured with different limits
	Follows  State = "follows"  // calls start below the rate, because the provider refuses calls or reports that little is left
	Waiting  State = "waiting"  // calls queue for it
	Busy     State = "busy"     // more than 80 % of the rate is used
	OK       State = "ok"
)

// severity returns the place of a state in the order above, 0 for the most urgent.
func (s State) severity() int {
	for i, t := range [...]State{Paused, Held, Disputed, Follows, Waiting, Busy} {
		if s == t {
			return i
		}
	}
	return 6
}

// Route is the calls and tasks of one route, in all replicas.
type Route struct {
	Name       string   `json:"name"`
	Buckets    []string `json:"buckets"` // that the route passes, narrowest first
	Waiting    int      `json:"waiting"` // calls and tasks
	Urgent     int      `json:"urgent"`  // part of Waiting, like the two fields below; calls that are not urgent are normal
	Normal     int      `json:"normal"`
	Background int      `json:"background"`
	Reserved   int      `json:"reserved"` // calls that have a reservation which is not due yet
	InFlight   int      `json:"in_flight"`
	OldestMS   *int64   `json:"oldest_ms"`
	TurnMS     *int64   `json:"turn_ms"` // until the next call is expected to start
	EtaMS      *int64   `json:"eta_ms"`
	Shut       string   `json:"shut"`     // why tasks of the route do not start in some replica; "" if they do
	Replicas   int      `json:"replicas"` // in which calls or tasks wait
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
	UpMS           *int64          `json:"up_ms"` // since its limiter started, from the replica's clock and Redis' clock
	Slots          *int            `json:"slots"`
	Pending        *int            `json:"pending"` // calls and tasks that wait
	OldestMS       *int64          `json:"oldest_ms"`
	InFlight       *int            `json:"in_flight"`
	Done           *int64          `json:"done"`
	Failed         *int64          `json:"failed"`
	RedisCalls     *int64          `json:"redis_calls"`
	AwayMS         *int64          `json:"away_ms"`     // how long Redis was away in total, as the replica saw it
	AwayAgoMS      *int64          `json:"away_ago_ms"` // how long ago Redis was last away, in steps of 10 s; null if it never was
	Record         json.RawMessage `json:"record"`      // the record as published, with fields that this version does not know
}

// Batch is a batch that has not finished.
type Batch struct {
	ID      string `json:"id"`
	Replica string `json:"replica"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Failed  int    `json:"failed"`
}
