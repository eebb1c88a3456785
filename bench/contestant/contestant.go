package contestant

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Setup has the settings that all replicas of a fleet share.
type Setup struct {
	Addr        string // of Redis, host:port
	Key         string // name of the budget, unique to a run
	Replicas    int
	Rate, Burst int // tokens a second, and the most tokens at once
}

// Replica is one process of a fleet. It is safe for concurrent use.
type Replica interface {
	// Allow reports whether a call may start now.
	Allow(ctx context.Context) (bool, error)
	// Wait returns nil when a call may start. If ctx ends first it returns an error, unless a token is already available.
	Wait(ctx context.Context) error
}

// Anchored is a replica that knows the times of its tokens, so that the bench need not estimate them.
type Anchored interface {
	// Anchor empties the bucket and returns the time of the next token. A time without a monotonic reading is from
	// Redis' clock.
	Anchor(ctx context.Context) (time.Time, error)
}

// Fleet has the replicas of one run.
type Fleet struct {
	Replicas []Replica
	Close    func(ctx context.Context) error
}

// Contestant is a kind of limiter.
type Contestant struct {
	Name       string
	OneProcess bool // shares nothing with other processes
	Yardstick  bool // not a limiter: it shows the least cost of a round trip
	NoCancel   bool // its wait cannot be cancelled
	// Calls returns the number of round trips. Its argument has the calls of each command, as Redis reports them. Nil counts scripts.
	Calls func(commands map[string]int64) int64
	// Open starts a fleet. It runs until ctx ends or the fleet is closed.
	Open func(ctx context.Context, s Setup) (*Fleet, error)
}

// RoundTrips returns how many round trips the fleet made. Its argument has the calls of each command, as Redis reports them.
func (c Contestant) RoundTrips(commands map[string]int64) int64 {
	if c.Calls != nil {
		return c.Calls(commands)
	}
	return commands["evalsha"] + commands["eval"]
}

// All returns every contestant, in the order of the tables.
func All() []Contestant {
	all := []Contestant{weir(), redisRate(), ulule(), throttledGCRA()}
	all = append(all, goZero()...)
	return append(all, rueidisWindow(), timeRate(), uberRatelimit(), hash())
}

// overGoRedis opens a fleet of replicas. Each has its own go-redis client.
func overGoRedis(ctx context.Context, s Setup, replica func(rdb *redis.Client) (Replica, error)) (*Fleet, error) {
	var clients []*redis.Client
	f := &Fleet{Close: func(context.Context) error {
		var first error
		for _, rdb := range clients {
			if err := rdb.Close(); first == nil {
				first = err
			}
		}
		return first
	}}
	for range s.Replicas {
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		clients = append(clients, rdb)
		r, err := replica(rdb)
		if err != nil {
			_ = f.Close(ctx) // the caller gets the first error
			return nil, err
		}
		f.Replicas = append(f.Replicas, r)
	}
	return f, nil
}

// alike returns a fleet of n replicas that share one limiter.
func alike(r Replica, n int) *Fleet {
	f := &Fleet{Close: func(context.Context) error { return nil }}
	for range n {
		f.Replicas = append(f.Replicas, r)
	}
	return f
}
