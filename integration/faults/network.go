package faults

import (
	"context"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// networkRows returns the rows whose faults are between the replicas and Redis.
func networkRows() []Row {
	return []Row{{
		Number: 5, Name: "a fifth of replies lost", CI: true, Fault: "20 % of the replies to scripts are lost after Redis has run the script, and the connection is reset",
		Config: Config{Docker: true, Proxy: true},
		Marks:  []Mark{law(), noneFailed(), atLeast(usedStill, 0.95)},
		Play:   func(ctx context.Context, w *World) error { return loseReplies(ctx, w, 0.2) },
	}, {
		Number: 5, Name: "half of replies lost", Fault: "50 % of the replies to scripts are lost after Redis has run the script, and the connection is reset",
		Config: Config{Docker: true, Proxy: true},
		Marks:  []Mark{law(), noneFailed(), atLeast(usedStill, 0.95)},
		Play:   func(ctx context.Context, w *World) error { return loseReplies(ctx, w, 0.5) },
	}, {
		Number: 6, Name: "truncated", Fault: "replies to scripts are cut off after each number of bytes in turn, and the connection is reset",
		Config: Config{Proxy: true},
		Marks:  []Mark{law(), noneFailed(), atLeast("lengths tried", 40)},
		Play: func(ctx context.Context, w *World) error {
			w.Fault()
			most := time.NewTimer(time.Minute) // a limiter that makes few requests to Redis, or none, gets no reply of every length
			defer most.Stop()
			select {
			case <-w.Proxy.TruncateInTurn("EVALSHA", Reset):
			case <-most.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			w.until = w.Provider.Now()
			w.Note("lengths tried", float64(w.Proxy.Harmed()))
			return w.Busy(ctx, 1)
		},
	}, {
		Number: 18, Name: "cut off", Fault: "one of four replicas is cut off from Redis for 10 s",
		Config: Config{Replicas: 3, Joining: 1},
		Marks:  []Mark{law(), noneFailed(), usedAtLeast(0.95), atMost(during, 0), atMost(firstAfter, 2000)},
		Play:   cutOff,
	}, {
		Number: 20, Name: "small pool", CI: true, Fault: "one replica with 500 callers and 2 connections; Redis hangs for 3 s",
		Config: Config{Replicas: 1, Tasks: 500, Deadline: time.Second, Flags: []string{"-pool", "2"}},
		Marks:  []Mark{law(), noneFailed(), atMost(overrun, 100), atMost(goroutines, 5)},
		Play:   hangWithSmallPool,
	}}
}

const (
	usedStill  = "used ÷ used before the fault"
	overrun    = "ms that a task ended after its deadline"
	goroutines = "goroutines above those before, 5 s after"
)

func loseReplies(ctx context.Context, w *World, share float64) error {
	span := few(w, 12*time.Second, 30*time.Second)
	if err := w.Measure(ctx, span); err != nil {
		return err
	}
	before := w.used()
	w.Fault()
	w.Proxy.Lose("EVALSHA", share, Reset, 1)
	if err := w.Measure(ctx, span); err != nil {
		return err
	}
	w.until = w.to
	w.Note(usedStill, w.used()/before)
	w.Note("replies lost", float64(w.Proxy.Harmed()))
	return w.Proxy.Heal(ctx)
}

func hangWithSmallPool(ctx context.Context, w *World) error {
	r := w.Fleet[0]
	before, err := r.Ask(ctx, "rest")
	if err != nil {
		return err
	}
	if _, err := r.Ask(ctx, "go"); err != nil {
		return err
	}
	if err := w.Busy(ctx, 1); err != nil {
		return err
	}
	w.Fault()
	if err := w.Redis.Stop(); err != nil {
		return err
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	if err := w.Redis.Continue(); err != nil {
		return err
	}
	if err := w.Busy(ctx, 1); err != nil {
		return err
	}
	w.until = w.Provider.Now()
	if _, err := r.Ask(ctx, "rest"); err != nil {
		return err
	}
	var last outcome.Report
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = wait(limit, "goroutines end", func(context.Context) bool { // goroutines that are left after 5 s count
		last, err = r.Ask(ctx, "report")
		return err != nil || last.Goroutines <= before.Goroutines+5
	})
	w.Note(overrun, last.OverrunMS)
	w.Note(goroutines, float64(last.Goroutines-before.Goroutines))
	w.Note("tasks whose deadline came", float64(last.Deadline))
	return err
}

func cutOff(ctx context.Context, w *World) error {
	r, way, err := w.AddBehind(ctx, "r4")
	if err != nil {
		return err
	}
	if err := w.Await(ctx, 10, w.Provider.Now(), r.Name); err != nil {
		return err
	}
	w.Fault()
	from := w.Provider.Now()
	way.Cut()
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := w.Measure(ctx, 8*time.Second); err != nil {
		return err
	}
	w.Note(during, float64(len(w.Provider.Log().Of(r.Name).Between(from+reserved, w.to))))
	if err := way.Heal(ctx); err != nil {
		return err
	}
	healed := w.Provider.Now()
	if err := w.Await(ctx, 1, healed, r.Name); err != nil {
		return err
	}
	w.Note(firstAfter, float64((w.Provider.Now() - healed).Milliseconds()))
	w.until = w.Provider.Now()
	return nil
}
