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

// sighting is one answer of one server to a poll. A server that does not answer has no sighting.
type sighting struct {
	at     time.Duration // when the answer arrived, on the provider's clock
	server int           // index of the server
	master bool
	grants int64 // the server's count of reservations that were granted to the fleet
}

// sightings are the answers of all servers, in the order of time.
type sightings []sighting

// promoted returns when a server was first a master, at or after a time. The boolean is false if it was none.
func (all sightings) promoted(server int, since time.Duration) (time.Duration, bool) {
	for _, s := range all {
		if s.server == server && s.master && s.at >= since {
			return s.at, true
		}
	}
	return 0, false
}

// lastGrant returns when a server that was a master last increased its count of grants in a span. If the count did not increase, it returns the
// beginning of the span.
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

// firstGrant returns when a server that was a master first increased its count of grants after a time. It returns that time if the count did
// not increase.
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

// demoted returns when a server was first not a master, at or after a time. The boolean is false if it always was one.
func (all sightings) demoted(server int, since time.Duration) (time.Duration, bool) {
	for _, s := range all {
		if s.server == server && !s.master && s.at >= since {
			return s.at, true
		}
	}
	return 0, false
}

// watch polls all servers of a topology, with one goroutine for each, until end is called.
type watch struct {
	servers []*Server
	cancel  context.CancelFunc
	looks   sync.WaitGroup

	mu  sync.Mutex
	all sightings
}

// lookEvery is the time between two polls of a server.
const lookEvery = 5 * time.Millisecond

// watchMasters starts to poll the servers.
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

// look asks a server whether it is a master, and how many reservations it has granted.
func look(ctx context.Context, admin *redis.Client) (master bool, grants int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	ask := admin.Pipeline()
	role, record := ask.Do(ctx, "role"), ask.HGet(ctx, stateKey, "time")
	_, _ = ask.Exec(ctx) // a cluster node without the fleet's slot replies to HGET with a redirect, which is no error here
	what, err := role.Slice()
	if err != nil {
		return false, 0, err
	}
	if words := strings.Fields(record.Val()); len(words) > 1 { // the version of the record, and the grants
		grants, _ = strconv.ParseInt(words[1], 10, 64)
	}
	return what[0] == "master", grants, nil
}

// end stops the polls and waits for their goroutines.
func (v *watch) end() {
	v.cancel()
	v.looks.Wait()
}

// until returns all sightings until now, in the order of time.
func (v *watch) until() sightings {
	v.mu.Lock()
	defer v.mu.Unlock()
	slices.SortStableFunc(v.all, func(a, b sighting) int { return int(a.at - b.at) })
	return slices.Clone(v.all)
}

// next waits until one of the candidates is a master, at or after a time. It returns the index of that server and the time of the sighting.
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
