package limiter

import (
	"fmt"
	"time"
)

// WhenAway says what a replica does while Redis is away. Redis is away when no call to it has been answered for half a second, or for four times
// as long as all but one in a hundred calls take as a rule, if that is longer. It is back when it answers, and for a replica with shares when calls
// have been answered for a second.
type WhenAway int

// The choices.
const (
	// FailLocal goes on with a share of each limit, for [Config.LocalFor] at most, and waits then. The share is the rate divided by the replicas
	// that were live, with a burst of the same part, 1 at least, and empty at first; of a window it is as many starts as divide evenly. So the fleet
	// keeps its limits as long as every replica is cut off; one that is cut off alone starts its share beside what the others start. A call
	// that costs more than the burst of the share waits for Redis.
	//
	// There is no share of a slow limit, which takes more than 12 s from empty to full; of a window of fewer starts than replicas; and of a window
	// that [Limiter.AddRoute] made. A process has none until it has been announced twice, which takes 10 s, or again after 20 s without Redis: the
	// others may not count it. Calls without a share wait, or hear [ErrUnavailable].
	FailLocal WhenAway = iota
	// FailClosed starts nothing: calls wait, or hear [ErrUnavailable].
	FailClosed
	// FailOpen starts every call at once, for as long as Redis is away. The provider refuses what is too much. The metric
	// weir.rate_limiting.without_redis counts the calls, and the log has a line.
	FailOpen
)

// Mode is how a replica decides at a moment.
type Mode string

// The modes.
const (
	Connected Mode = "connected" // Redis answers
	Local     Mode = "local"     // Redis is away: the replica goes on with its shares
	Open      Mode = "open"      // Redis is away: everything starts
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

// defaultLocalFor is for how long a replica goes on with its shares.
const defaultLocalFor = 30 * time.Second

// away fills in what is done while Redis is away.
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
