package faults

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// replicaRows returns the rows in which replicas are suspended, killed or ended.
func replicaRows() []Row {
	return []Row{{
		Number: 24, Name: "suspended", CI: true, Fault: "three of four replicas are suspended for 3 s while they hold reservations, again and again",
		Marks: []Mark{law(), noneFailed(), atLeast(lateOnes, 1)},
		Play:  suspend,
	}, {
		Number: 25, Name: "starved", Fault: "each replica runs for 5 ms of every 100 ms, for 10 s",
		Marks: []Mark{law(), noneFailed()},
		Play:  starve,
	}, {
		Number: 26, Name: "killed", CI: true, Fault: "one of four replicas is killed with SIGKILL",
		Marks: []Mark{law(), noneFailed(), usedAtLeast(0.95), atMost(tokensLost, 32), {fmt.Sprintf("%s ≤ 60, where the row is played at length", untilGone), func(p *Played) bool {
			took, measured := p.Value(untilGone)
			return !measured || took <= 60
		}}},
		Play: killOne,
	}, {
		Number: 27, Name: "ended", CI: true, Fault: "two of four replicas get SIGTERM under load, with a drain limit of 5 s",
		Marks: []Mark{law(), noneFailed(), atMost(seconds, 5), atMost(callsAfter, 0)},
		Play:  endTwo,
	}}
}

const (
	lateOnes   = "late reservations"
	tokensLost = "tokens lost"
	untilGone  = "s until the fleet had forgotten the replica"
	seconds    = "s until a replica had exited with 0"
	callsAfter = "calls after a replica had stopped"
)

func suspend(ctx context.Context, w *World) error {
	w.Fault()
	for range few(w, 3, 10) {
		for _, r := range w.Fleet[1:] {
			if err := r.Signal(suspendSignal); err != nil {
				return err
			}
		}
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		for _, r := range w.Fleet[1:] {
			if err := r.Signal(resumeSignal); err != nil {
				return err
			}
		}
		if err := w.Busy(ctx, 1); err != nil {
			return err
		}
	}
	late, err := w.sum(ctx, func(r outcome.Report) float64 { return float64(r.Late) })
	w.Note(lateOnes, late)
	return err
}

func killOne(ctx context.Context, w *World) error {
	w.Fault()
	killed := w.Provider.Now()
	if err := w.Fleet[3].Kill(); err != nil {
		return err
	}
	if err := pause(ctx, 1250*time.Millisecond); err != nil { // the horizon and a second
		return err
	}
	if err := w.Measure(ctx, few(w, 8*time.Second, 20*time.Second)); err != nil {
		return err
	}
	w.until = w.to
	arrived := len(w.Provider.Log().Between(killed, w.to))
	w.Note(tokensLost, max(0, float64(w.Rate)*(w.to-killed).Seconds()-float64(arrived)))
	if w.Short {
		return nil
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		report, err := w.Fleet[0].Ask(ctx, "report")
		if err != nil {
			return err
		}
		if report.Replicas == 0 && w.program.Package != "" { // another limiter, which does not count the replicas
			return nil
		}
		if report.Replicas == 3 {
			w.Note(untilGone, (w.Provider.Now() - killed).Seconds())
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func endTwo(ctx context.Context, w *World) error {
	w.Fault()
	w.from = w.Provider.Now()
	type ended struct {
		took time.Duration
		err  error
	}
	done := make(chan ended, 2)
	for _, r := range w.Fleet[2:] {
		go func() {
			took, err := r.end(ctx, w.Provider.Now)
			done <- ended{took, err}
		}()
	}
	var longest time.Duration
	for range 2 {
		e := <-done
		if e.err != nil {
			return e.err
		}
		longest = max(longest, e.took)
	}
	if err := w.Busy(ctx, few(w, 5.0, 15.0)); err != nil {
		return err
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	w.Note(seconds, longest.Seconds())
	after := 0
	for _, r := range w.Fleet[2:] {
		after += len(w.Provider.Log().Of(r.Name).Between(r.stopped, w.to))
	}
	w.Note(callsAfter, float64(after))
	return nil
}

// starve suspends all replicas for 95 ms of every 100 ms, which has the effect of a limit on their processor time.
func starve(ctx context.Context, w *World) error {
	all := func(s syscall.Signal) error {
		for _, r := range w.Fleet {
			if err := r.Signal(s); err != nil {
				return err
			}
		}
		return nil
	}
	w.Fault()
	w.from = w.Provider.Now()
	for range 100 {
		if err := all(suspendSignal); err != nil {
			return err
		}
		if err := pause(ctx, 95*time.Millisecond); err != nil {
			return err
		}
		if err := all(resumeSignal); err != nil {
			return err
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	return w.Busy(ctx, 1)
}
