package process

import (
	"flag"
	"time"
)

// Settings are the flags that the replicas of every limiter have.
type Settings struct {
	Redis, Provider, Name string
	Tasks                 int
	Deadline, Drain       time.Duration
	Pool                  int
	ReadTimeout           time.Duration
	Rate, Burst           int64
	Per                   time.Duration
	Replicas              int
	WhenAway              string
	MaxRetries            int // MaxRetries of go-redis, for one server; no flag sets it
}

// Flags defines the flags. The caller then calls flag.Parse.
func (s *Settings) Flags() {
	flag.StringVar(&s.Redis, "redis", "", "redis://host:port, cluster://host:port,host:port or sentinel://host:port,host:port/master")
	flag.StringVar(&s.Provider, "provider", "", "URL of the provider")
	flag.StringVar(&s.Name, "name", "", "name of the replica")
	flag.IntVar(&s.Tasks, "tasks", 32, "tasks at the same time")
	flag.DurationVar(&s.Deadline, "deadline", 0, "deadline of each task; 0 is none")
	flag.DurationVar(&s.Drain, "drain", 5*time.Second, "how long a drain may take")
	flag.IntVar(&s.Pool, "pool", 0, "connections to Redis; 0 is the client's default")
	flag.DurationVar(&s.ReadTimeout, "read-timeout", time.Second, "timeout of one read from Redis")
	flag.Int64Var(&s.Rate, "rate", 34, "tokens in each -per")
	flag.DurationVar(&s.Per, "per", time.Second, "period of the limit")
	flag.Int64Var(&s.Burst, "burst", 4, "burst of the limit")
	flag.IntVar(&s.Replicas, "replicas", 1, "replicas of the whole fleet, for a limiter that does not count them")
	flag.StringVar(&s.WhenAway, "when-away", "closed", "what to do while Redis is away: local, closed or open; for a limiter that has these modes")
}
