package faults

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// sighting is what one server said at a moment. A server that does not answer is not sighted.
type sighting struct {
	at     time.Duration // on the provider's clock, when the answer was there
	server int           // index of the server
	master bool
	grants int64 // reservations of the fleet that its memory counts
}

// sightings are those of all servers, in the order of time.
type sightings []sighting

// promoted is when a server was first seen as a master, at or after a time.
func (all sightings) promoted(server int, since time.Duration) (time.Duration, bool) {
	for _, s := range all {
		if s.server == server && s.master && s.at >= since {
			return s.at, true
		}
	}
	return 0, false
}

// lastGrant is when a server was seen to have granted more, as a master, for the last time in a span; from where it granted nothing in it.
func (all sightings) lastGrant(server int, from, to time.Duration) time.Duration {
	last, grants, known := from, int64(0), false
	for _, s := range all {
		if s.server != server || !s.master || s.at > to {
			continue
		}
		if known && s.grants > grants && s.at >= from {
			last = s.at
		}
		grants, known = s.grants, true
	}
	return last
}

// firstGrant is when a server was first seen to have granted more, as a master, after a time; that time where it has not.
func (all sightings) firstGrant(server int, after time.Duration) time.Duration {
	grants, known := int64(0), false
	for _, s := range all {
		if s.server != server || !s.master || s.at < after {
			continue
		}
		if known && s.grants > grants {
			return s.at
		}
		grants, known = s.grants, true
	}
	return after
}

// demoted is when a server was first seen as no master, at or after a time.
func (all sightings) demoted(server int, since time.Duration) (time.Duration, bool) {
	for _, s := range all {
		if s.server == server && !s.master && s.at >= since {
			return s.at, true
		}
	}
	return 0, false
}

// watch is a look at all servers of a topology, again and again, until it is ended.
type watch struct {
	servers []*Server
	cancel  context.CancelFunc
	looks   sync.WaitGroup

	mu  sync.Mutex
	all sightings
}

// lookEvery is how often each server is asked what it is.
const lookEvery = 5 * time.Millisecond

// watchMasters begins to look at the servers.
func (w *World) watchMasters(ctx context.Context) *watch {
	ctx, cancel := context.WithCancel(ctx)
	v := &watch{servers: w.nodes, cancel: cancel}
	for i, s := range v.servers {
		v.looks.Go(func() {
			every := time.NewTicker(lookEvery)
			defer every.Stop()
			for {
				if master, grants, err := look(ctx, s.Admin); err == nil {
					v.mu.Lock()
					v.all = append(v.all, sighting{w.Provider.Now(), i, master, grants})
					v.mu.Unlock()
				}
				select {
				case <-every.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return v
}

// look asks a server whether it is a master, and how much it has granted.
func look(ctx context.Context, admin *redis.Client) (master bool, grants int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	ask := admin.Pipeline()
	role, record := ask.Do(ctx, "role"), ask.HGet(ctx, stateKey, "time")
	_, _ = ask.Exec(ctx) // a node of a cluster that has other keys redirects
	what, err := role.Slice()
	if err != nil {
		return false, 0, err
	}
	if words := strings.Fields(record.Val()); len(words) > 1 { // the version of the record, and the grants
		grants, _ = strconv.ParseInt(words[1], 10, 64)
	}
	return what[0] == "master", grants, nil
}

// end ends the looks.
func (v *watch) end() {
	v.cancel()
	v.looks.Wait()
}

// until is what was seen until now, in the order of time.
func (v *watch) until() sightings {
	v.mu.Lock()
	defer v.mu.Unlock()
	slices.SortStableFunc(v.all, func(a, b sighting) int { return int(a.at - b.at) })
	return slices.Clone(v.all)
}

// next waits until a server that was no master is one, and returns its index and when that was seen.
func (v *watch) next(ctx context.Context, since time.Duration, candidates []int) (server int, at time.Duration, err error) {
	err = wait(ctx, "a replica of Redis is promoted", func(context.Context) bool {
		all := v.until()
		for _, c := range candidates {
			if seen, ok := all.promoted(c, since); ok {
				server, at = c, seen
				return true
			}
		}
		return false
	})
	return server, at, err
}
