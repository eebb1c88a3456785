package paper

import "time"

const (
	presenceEvery = 10 * time.Second
	publishEvery  = 2 * time.Second
	announceAfter = 8 * time.Second
)

// presence sends the configuration of a replica, every 10 s.
func (r *replica) presence(now time.Duration) {
	begins := max(now, r.free)
	r.script(begins)
	r.occupy(begins, r.Costs.Presence)
	r.plan(now+presenceEvery, r.presence)
}

// publish publishes the record of a replica, every 2 s. If the last announcement is more than 8 s ago, the replica announces itself as
// well. At exactly 8 s a real ticker is a little early or late, so chance decides.
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
