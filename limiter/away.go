package limiter

import (
	"fmt"
	"time"
)

// WhenAway is what a replica does while Redis is away. Redis is away when no call to it has been answered for half a
// second, or for four times the time within which 99 % of the calls are usually answered, if that is longer. Redis is
// back when it answers. For a replica with shares it is back when calls have been answered for a second.
type WhenAway int

// The choices.
const (
	// FailLocal continues with a share of each limit, for [Config.LocalFor] at most. After that, calls wait. The share
	// of a bucket is its rate divided by the replicas that were live. Its burst is divided likewise, is 1 at least, and
	// is empty at first. The share of a window is its tokens divided by the replicas, rounded down. So the fleet keeps
	// its limits as long as every replica is cut off. A replica that is cut off alone starts its share in addition to
	// what the others start. A call that costs more than the burst of the share waits for Redis.
	//
	// Three kinds of limits have no share: a slow limit, which takes more than 12 s from empty to full; a window of
	// fewer starts than replicas; and a window that [Limiter.AddRoute] made. A new process has no share until it has
	// been announced twice, which takes 10 s. After 20 s without Redis a process has no share until it is announced
	// again. Until then the other replicas may not count it. Calls without a share wait, or return [ErrUnavailable].
	FailLocal WhenAway = iota
	// FailClosed starts nothing: calls wait, or return [ErrUnavailable].
	FailClosed
	// FailOpen starts every call at once, for as long as Redis is away. The provider refuses the excess. The metric
	// weir.rate_limiting.without_redis counts the calls, and the limiter logs one line.
	FailOpen
)

// Mode is how a replica decides at a moment.
type Mode string

// The modes.
const (
	Connected Mode = "connected" // Redis answers
	Local     Mode = "local"     // Redis is away: the replica continues with its shares
	Open      Mode = "open"      // Redis is away: every call starts
	Away      Mode = "away"      // Redis is away: calls wait
)

// Health is how a replica decides, and since when.
type Health struct {
	Mode  Mode
	Since time.Time // since when calls to Redis are not answered; zero for Connected
	Until time.Time // when Local ends; zero for other modes
}

// Health reads how this replica decides. A limiter in memory is always Connected.
func (l *Limiter) Health() Health {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.alone == nil {
		return Health{Mode: Connected}
	}
	h := Health{Mode: l.alone.mode, Since: l.alone.since}
	if h.Mode == Local {
		h.Until = l.alone.ends
	}
	return h
}

// defaultLocalFor is how long a replica continues with its shares by default.
const defaultLocalFor = 30 * time.Second

// away checks the fields for the time without Redis, and fills in their defaults.
func (c *Config) away() error {
	if c.WhenAway < FailLocal || c.WhenAway > FailOpen {
		return fmt.Errorf("limiter: when away %d: want FailLocal, FailClosed or FailOpen", c.WhenAway)
	}
	if c.LocalFor == 0 {
		c.LocalFor = defaultLocalFor
	}
	if c.LocalFor < time.Second || c.LocalFor > time.Hour {
		return fmt.Errorf("limiter: local for %v: want 1s to 1h, or 0 for %v", c.LocalFor, defaultLocalFor)
	}
	return nil
}
