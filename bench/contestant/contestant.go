package contestant

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Setup is what a fleet shares.
type Setup struct {
	Addr        string // of Redis, host:port
	Key         string // names the budget; differs from run to run
	Replicas    int
	Rate, Burst int // tokens a second, and tokens at most at once
}

// Replica is one process of a fleet. It is safe for concurrent use.
type Replica interface {
	// Allow reports whether a call may start now.
	Allow(ctx context.Context) (bool, error)
	// Wait returns nil when a call may start. Where ctx ends first it returns an error, unless a token is here already.
	Wait(ctx context.Context) error
}

// Anchored is a replica whose tokens come at times that can be known, not only estimated.
type Anchored interface {
	// Anchor empties the bucket and returns the time of the next token. Without a monotonic reading it is the time of
	// Redis' clock.
	Anchor(ctx context.Context) (time.Time, error)
}

// Fleet is the replicas of one run.
type Fleet struct {
	Replicas []Replica
	Close    func(ctx context.Context) error
}

// Contestant is a kind of limiter.
type Contestant struct {
	Name       string
	OneProcess bool // shares nothing with other processes
	Yardstick  bool // no limiter: what a round trip costs at least
	NoCancel   bool // its wait cannot be given up
	// Calls counts round trips among the calls by command that Redis reports. Nil counts scripts.
	Calls func(commands map[string]int64) int64
	// Open starts a fleet that lives until ctx ends or it is closed, whichever is first.
	Open func(ctx context.Context, s Setup) (*Fleet, error)
}

// RoundTrips is how often the fleet asked, of the calls by command that Redis reports.
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

// overGoRedis opens a fleet of replicas with a go-redis client each.
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
			_ = f.Close(ctx) // the error that counts is the first one
			return nil, err
		}
		f.Replicas = append(f.Replicas, r)
	}
	return f, nil
}

// alike is a fleet whose replicas are one and the same.
func alike(r Replica, n int) *Fleet {
	f := &Fleet{Close: func(context.Context) error { return nil }}
	for range n {
		f.Replicas = append(f.Replicas, r)
	}
	return f
}
