package faults

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// sentinelRows returns the rows in which Sentinels name the master.
func sentinelRows() []Row {
	guarded := []string{"--min-replicas-to-write", "1", "--min-replicas-max-lag", "1"}
	soon := []string{"down-after-milliseconds " + masterName + " 1000"}
	return []Row{{
		Number: 53, Name: "planned failover", Fault: "SENTINEL FAILOVER, with the settings that Redis has by default",
		Config: Config{Topology: Sentinel},
		Marks:  []Mark{excessOfTwoMasters(), noneFailed()},
		Play:   plannedFailover,
	}, {
		Number: 54, Name: "planned failover, guarded", Fault: "SENTINEL FAILOVER, with min-replicas-to-write 1 and min-replicas-max-lag 1",
		Config: Config{Topology: Sentinel, Options: guarded},
		Marks:  []Mark{law(), noneFailed()},
		Play:   plannedFailover,
	}, {
		Number: 55, Name: "master killed",
		Fault:  "the master that Sentinels watch, all in containers, is killed, and a replica is promoted (down-after-milliseconds 1000)",
		Config: Config{Topology: Sentinel, Watch: soon, Docker: true},
		Marks:  []Mark{law(), noneFailed(), atMost(afterPromotion, 2000)},
		Play:   func(ctx context.Context, w *World) error { return failedMaster(ctx, w, (*Server).Kill) },
	}, {
		Number: 55, Name: "master suspended",
		Fault:  "the master that Sentinels watch is suspended, a replica is promoted (down-after-milliseconds 1000), and the former master goes on 3 s later",
		Config: Config{Topology: Sentinel, Watch: soon},
		Marks:  []Mark{law(), noneFailed(), atMost(afterPromotion, 2000)},
		Play:   func(ctx context.Context, w *World) error { return failedMaster(ctx, w, (*Server).Stop) },
	}}
}

// twoMasters is the name of a figure: the time from the promotion to the last grant of the former master.
const twoMasters = "s of two masters"

// excessOfTwoMasters is the mark that allows one more burst, and the rate a second time for as long as two masters granted.
func excessOfTwoMasters() Mark {
	return Mark{fmt.Sprintf("excess ≤ 4 + 34 × %s", twoMasters), func(p *Played) bool {
		span, measured := p.Value(twoMasters)
		return measured && *p.Line.Excess <= 4+34*span+1e-9
	}}
}

// plannedFailover makes a Sentinel replace a working master, and waits until the former master is demoted.
func plannedFailover(ctx context.Context, w *World) error {
	seen := w.watchMasters(ctx)
	defer seen.end()
	former := slices.Index(w.nodes, w.Redis)
	asked := w.Provider.Now()
	w.Fault()
	if err := w.sentinels[0].Admin.Do(ctx, "sentinel", "failover", masterName).Err(); err != nil {
		return err
	}
	next, promoted, err := w.promotion(ctx, seen, asked)
	if err != nil {
		return err
	}
	var demoted time.Duration
	if err := wait(ctx, "the former master is demoted", func(context.Context) (is bool) {
		demoted, is = seen.until().demoted(former, promoted)
		return is
	}); err != nil {
		return err
	}
	if err := w.Busy(ctx, 3); err != nil {
		return err
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	w.Redis = w.nodes[next]
	all := seen.until()
	w.Note("ms from the request to the promotion", float64((promoted - asked).Milliseconds()))
	w.Note(twoMasters, (all.lastGrant(former, promoted, demoted) - promoted).Seconds())
	w.Note("s until the former master was demoted", (demoted - promoted).Seconds())
	w.Note("s until the new master granted", (all.firstGrant(next, promoted) - promoted).Seconds())
	return nil
}

// promotion waits until a server other than the master is promoted. It returns the index of that server and the time.
func (w *World) promotion(ctx context.Context, seen *watch, since time.Duration) (next int, at time.Duration, err error) {
	var candidates []int
	for i, s := range w.nodes {
		if s != w.Redis {
			candidates = append(candidates, i)
		}
	}
	return seen.next(ctx, since, candidates)
}

// failedMaster makes the master fail, and waits until each replica has made a call after another server was promoted. A suspended master then
// goes on.
func failedMaster(ctx context.Context, w *World, fail func(*Server) error) error {
	seen := w.watchMasters(ctx)
	defer seen.end()
	failed := w.Provider.Now()
	w.Fault()
	if err := fail(w.Redis); err != nil {
		return err
	}
	_, promoted, err := w.promotion(ctx, seen, failed)
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
	if w.Redis.running() {
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		if err := w.Redis.Continue(); err != nil {
			return err
		}
	}
	if err := w.Busy(ctx, 5); err != nil {
		return err
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	w.Note(afterPromotion, float64(after.Milliseconds()))
	w.Note(allAfter, float64(all.Milliseconds()))
	w.Note("ms from the failure to the promotion", float64((promoted - failed).Milliseconds()))
	return nil
}
