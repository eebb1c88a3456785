package paper

import "time"

const (
	presenceEvery = 10 * time.Second
	publishEvery  = 2 * time.Second
	announceAfter = 8 * time.Second
)

// presence has a replica say every 10 s how it is configured.
func (r *replica) presence(now time.Duration) {
	begins := max(now, r.free)
	r.script(begins)
	r.occupy(begins, r.Costs.Presence)
	r.plan(now+presenceEvery, r.presence)
}

// publish has a replica publish its record every 2 s. It announces itself where it has not done so for more than 8 s. Whether 8 s are more
// than 8 s is decided by a ticker that is a little early or late, like a coin.
func (r *replica) publish(now time.Duration) {
	begins := max(now, r.free)
	quiet := now - r.announced
	if quiet > announceAfter || quiet == announceAfter && r.rnd.IntN(2) == 0 {
		r.announced = now
		r.script(begins)
		r.occupy(begins, r.Costs.Announce)
	} else {
		r.occupy(begins, r.Costs.Publish)
	}
	r.plan(now+publishEvery, r.publish)
}
