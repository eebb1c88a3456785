package faults

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"
)

// clusterRows returns the rows in which Redis is a cluster.
func clusterRows() []Row {
	six := Config{Topology: Cluster}
	return []Row{{
		Number: 17, Name: "slot migration", Fault: "the slot of the fleet moves from master to master of a cluster, ten times", Config: six,
		Marks: []Mark{law(), fewFailures()},
		Play:  func(ctx context.Context, w *World) error { return migrate(ctx, w, few(w, 3, 10), 0) },
	}, {
		Number: 17, Name: "slow slot migration", Fault: "the slot of the fleet moves to another master of a cluster, and half of its keys have moved for 3 s", Config: six,
		Marks: []Mark{law(), fewFailures(), atMost(afterMove, 2000)},
		Play:  func(ctx context.Context, w *World) error { return migrate(ctx, w, few(w, 1, 3), 3*time.Second) },
	}, {
		Number: 17, Name: "cluster down", Fault: "a master of a cluster that has no replica is stopped, so that the whole cluster refuses for 5 s (CLUSTERDOWN)", Config: six,
		Marks: []Mark{law(), fewFailures(), atMost(during, 0), atMost(firstAfter, 2000)},
		Play:  clusterDown,
	}, {
		Number: 52, Name: "cluster master killed", CI: true, Fault: "the master of the fleet's slot in a cluster is killed, and its replica takes over", Config: six,
		Marks: []Mark{law(), noneFailed(), atMost(afterPromotion, 1000)},
		Play:  func(ctx context.Context, w *World) error { return failMasters(ctx, w, few(w, 1, 3), (*Server).Kill) },
	}, {
		Number: 52, Name: "cluster master suspended", Fault: "the master of the fleet's slot in a cluster of containers is suspended, and its replica takes over",
		Config: Config{Topology: Cluster, Docker: true},
		Marks:  []Mark{law(), noneFailed(), atMost(afterPromotion, 2000)},
		Play:   func(ctx context.Context, w *World) error { return failMasters(ctx, w, few(w, 1, 3), (*Server).Stop) },
	}, {
		Number: 52, Name: "cluster master killed, shares",
		Fault:  "the master of the fleet's slot in a cluster is killed, and its replica takes over; the replicas go on with their shares",
		Config: Config{Topology: Cluster, Flags: []string{"-when-away", "local"}},
		Marks:  []Mark{excessAtMost(4), noneFailed(), silenceAtMost(1250 * time.Millisecond)}, // as in rows 48 and 15
		Play: func(ctx context.Context, w *World) error {
			if err := pause(ctx, announced); err != nil {
				return err
			}
			w.from = w.Provider.Now()
			return failMasters(ctx, w, 1, (*Server).Kill)
		},
	}}
}

const (
	afterPromotion = "ms to the first call after the promotion"
	allAfter       = "ms until each replica had made a call"
	afterMove      = "ms to the first call after the move"
)

// fewFailures is the mark that at most 1 % of the tasks failed.
func fewFailures() Mark {
	return Mark{"failures ≤ 1 %", func(p *Played) bool {
		accepted, failed := int64(0), int64(0)
		for _, r := range p.Reports {
			accepted, failed = accepted+r.Accepted, failed+r.Failed
		}
		return 100*failed <= accepted
	}}
}

// migrate moves the slot of the fleet from master to master, so many times. Each move pauses between the first half of the keys and the rest.
func migrate(ctx context.Context, w *World, times int, between time.Duration) error {
	w.Fault()
	var longest, first time.Duration
	for range times {
		begun := w.Provider.Now()
		if err := moveSlot(ctx, w, between); err != nil {
			return err
		}
		moved := w.Provider.Now()
		longest = max(longest, moved-begun)
		after, err := w.firstSince(ctx, moved)
		if err != nil {
			return err
		}
		first = max(first, after)
		if err := w.Busy(ctx, 2); err != nil {
			return err
		}
	}
	w.until = w.Provider.Now()
	w.Note("ms that a move took", float64(longest.Milliseconds()))
	w.Note(afterMove, float64(first.Milliseconds()))
	return nil
}

// moveSlot moves the slot of the fleet to another master, with the steps in the documentation of Redis.
func moveSlot(ctx context.Context, w *World, between time.Duration) error {
	from := w.Redis
	to := w.others(ctx, "master", from)[0]
	slot, err := from.Admin.ClusterKeySlot(ctx, stateKey).Result()
	if err != nil {
		return err
	}
	source, err := from.Admin.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	target, err := to.Admin.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	if err := to.Admin.Do(ctx, "cluster", "setslot", slot, "importing", source).Err(); err != nil {
		return err
	}
	if err := from.Admin.Do(ctx, "cluster", "setslot", slot, "migrating", target).Err(); err != nil {
		return err
	}
	for again := false; ; again = true {
		keys, err := from.Admin.ClusterGetKeysInSlot(ctx, int(slot), 100).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		if !again && between > 0 { // half of them now, and the rest later
			slices.Sort(keys)
			keys = keys[:(len(keys)+1)/2]
		}
		words := []any{"migrate", host, port, "", 0, 5000, "keys"}
		for _, k := range keys {
			words = append(words, k)
		}
		if err := from.Admin.Do(ctx, words...).Err(); err != nil {
			return err
		}
		if !again {
			if err := pause(ctx, between); err != nil {
				return err
			}
		}
	}
	for _, s := range append([]*Server{to, from}, w.others(ctx, "master", from)...) {
		if err := s.Admin.Do(ctx, "cluster", "setslot", slot, "node", target).Err(); err != nil {
			return err
		}
	}
	w.Redis = to
	return nil
}

// clusterDown kills a master that does not have the slot of the fleet, and its replica first, so that none can take over. Later it starts the
// master again.
func clusterDown(ctx context.Context, w *World) error {
	victim := w.others(ctx, "master", w.Redis)[0]
	id, err := victim.Admin.ClusterMyID(ctx).Result()
	if err != nil {
		return err
	}
	replicas, err := victim.Admin.Do(ctx, "cluster", "replicas", id).StringSlice()
	if err != nil {
		return err
	}
	stopped := []*Server{}
	for _, line := range replicas {
		addr, _, _ := strings.Cut(strings.Fields(line)[1], "@")
		s, err := w.nodeAt(addr)
		if err != nil {
			return err
		}
		stopped = append(stopped, s)
	}
	w.Fault()
	for _, s := range append(stopped, victim) {
		if err := s.Kill(); err != nil {
			return err
		}
	}
	if err := w.clusterIs(ctx, "cluster_state:fail"); err != nil {
		return err
	}
	from := w.Provider.Now()
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	w.During(from)
	if err := victim.Start(ctx); err != nil {
		return err
	}
	if err := wait(ctx, "the cluster serves again", func(ctx context.Context) bool {
		info, err := w.Redis.Admin.ClusterInfo(ctx).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	}); err != nil {
		return err
	}
	if err := w.First(ctx); err != nil {
		return err
	}
	return w.Busy(ctx, 3)
}

// failMasters makes the master of the fleet's slot fail, waits until its replica has taken over, and brings the former master back as a replica,
// so many times.
func failMasters(ctx context.Context, w *World, times int, fail func(*Server) error) error {
	seen := w.watchMasters(ctx)
	defer seen.end()
	var slowest, last, silent time.Duration
	for range times {
		former := w.Redis
		failed := w.Provider.Now()
		w.Fault()
		if err := fail(former); err != nil {
			return err
		}
		var candidates []int
		for _, s := range w.others(ctx, "slave", former) {
			candidates = append(candidates, slices.Index(w.nodes, s))
		}
		if len(candidates) == 0 {
			return errors.New("faults: the master has no replica")
		}
		next, promoted, err := seen.next(ctx, failed, candidates)
		if err != nil {
			return err
		}
		after, err := w.firstSince(ctx, promoted)
		if err != nil {
			return err
		}
		all, err := w.eachSince(ctx, promoted)
		if err != nil {
			return err
		}
		slowest, last, silent = max(slowest, after), max(last, all), max(silent, promoted-failed)
		w.Redis = w.nodes[next]
		if err := w.Busy(ctx, 2); err != nil {
			return err
		}
		if former.running() {
			err = former.Continue()
		} else {
			err = former.Start(ctx)
		}
		if err != nil {
			return err
		}
		if err := follows(ctx, former); err != nil {
			return err
		}
		if err := w.Busy(ctx, 2); err != nil {
			return err
		}
	}
	w.until = w.Provider.Now()
	w.Note(afterPromotion, float64(slowest.Milliseconds()))
	w.Note(allAfter, float64(last.Milliseconds()))
	w.Note("ms from the failure to the promotion", float64(silent.Milliseconds()))
	return nil
}
