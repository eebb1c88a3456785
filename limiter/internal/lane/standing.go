package lane

import "time"

// Standing is what the callers of a lane wait for at one moment.
type Standing struct {
	Calls    int       // of callers that wait until they may start; schedulers queue their tasks themselves and do not count
	Oldest   time.Time // when the first of those callers came; zero for none
	Turn     time.Time // when the next call is expected to start; zero if unknown
	Reserved int       // calls that have a reservation which is not due or not taken yet
}

// Standing returns the state of the lane. Its time is proportional to the number of waiting callers.
func (n *Lane) Standing() (s Standing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := n.queue.first; w != nil; w = w.next {
		if w.Mode == Come {
			continue
		}
		if s.Calls += w.N; s.Oldest.IsZero() {
			s.Oldest = w.Since
		}
	}
	s.Reserved = len(n.pool.grants)
	if s.Reserved > 0 {
		s.Turn = n.pool.grants[0].Due
	} else if n.place.inLine {
		s.Turn = n.place.first
	}
	return s
}
