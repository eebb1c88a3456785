package faults

import (
	"context"
	"time"
)

const (
	usedAfter  = "used from 2 s after the return"
	usedOthers = "used by the others, from 2 s after the fault"
	inWindow   = "at most in 1,950 ms" // a window less slack
	announced  = 12 * time.Second      // by then each replica has announced itself and counts all others
)

// windowLength is the length of the window in the row that plays a window without Redis.
const windowLength = 2 * time.Second

// localRows returns the rows in which each replica goes on without Redis, with its share of the limit.
func localRows() []Row {
	local := []string{"-when-away", "local"}
	// Each of the 4 replicas may save the burst of its share, which is one token. The excess of 4 is these tokens, with nothing added for slack.
	marks := []Mark{excessAtMost(4), noneFailed(), usedAtLeast(0.85), atLeast(usedAfter, 0.9)}
	return []Row{{
		Number: 48, Name: "away, refused", CI: true, Fault: "Redis refuses all replicas for 10 s; they go on with their shares",
		Config: Config{Proxy: true, Flags: local}, Marks: marks,
		Play: func(ctx context.Context, w *World) error {
			return w.without(ctx, func() error { w.Proxy.Cut(); return nil }, func() error { return w.Proxy.Heal(ctx) })
		},
	}, {
		Number: 49, Name: "away, hung", Fault: "Redis is suspended for 10 s; the replicas go on with their shares",
		Config: Config{Flags: local}, Marks: marks,
		Play: func(ctx context.Context, w *World) error { return w.without(ctx, w.Redis.Stop, w.Redis.Continue) },
	}, {
		Number: 50, Name: "away, emptied", Fault: "Redis is killed, and comes back empty 10 s later; the replicas go on with their shares",
		Config: Config{Flags: local}, Marks: marks,
		Play: func(ctx context.Context, w *World) error {
			return w.without(ctx, w.Redis.Kill, func() error { return w.Redis.Start(ctx) })
		},
	}, {
		Number: 48, Name: "away, a window", Fault: "the same with a window of 68 calls in any 2 s instead of a bucket",
		Config: Config{Proxy: true, Rate: 68, Per: windowLength, Flags: append(local, "-window")},
		// A window admits no call for its length when shares begin, and again when they end. Therefore used has no mark.
		Marks: []Mark{atMost(inWindow, 68), noneFailed()},
		Play: func(ctx context.Context, w *World) error {
			err := w.without(ctx, func() error { w.Proxy.Cut(); return nil }, func() error { return w.Proxy.Heal(ctx) })
			w.Note(inWindow, float64(w.Provider.Log().Most(windowLength-slack)))
			return err
		},
	}, {
		Number: 51, Name: "one alone", Fault: "one of four replicas is cut off from Redis for 10 s, and goes on with its share",
		Config: Config{Replicas: 3, Joining: 1, Flags: local},
		// The other three use the whole limit. The fourth replica adds its share, a quarter, for 11 s, and 4 calls for the slack and the burst.
		Marks: []Mark{excessAtMost(34.0/4*11 + 4), noneFailed(), atLeast(usedOthers, 0.95)},
		Play:  aloneOfFour,
	}}
}

// without takes Redis away for 10 s by leave, and brings it back by back. It measures the share that is used meanwhile, and from 2 s after the
// return for 5 s.
func (w *World) without(ctx context.Context, leave, back func() error) error {
	if err := pause(ctx, announced); err != nil {
		return err
	}
	w.Fault()
	if err := leave(); err != nil {
		return err
	}
	if err := w.Measure(ctx, 10*time.Second); err != nil {
		return err
	}
	from, to := w.from, w.to
	if err := back(); err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := w.Measure(ctx, 5*time.Second); err != nil {
		return err
	}
	w.Note(usedAfter, w.used())
	w.until = w.to
	w.from, w.to = from, to
	return nil
}

// aloneOfFour starts a fourth replica, cuts it off from Redis for 10 s, and measures what it and the others use.
func aloneOfFour(ctx context.Context, w *World) error {
	r, way, err := w.AddBehind(ctx, "r4", w.Flags...)
	if err != nil {
		return err
	}
	if err := w.Await(ctx, 10, w.Provider.Now(), r.Name); err != nil {
		return err
	}
	if err := pause(ctx, announced); err != nil {
		return err
	}
	w.Fault()
	way.Cut()
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := w.Measure(ctx, 8*time.Second); err != nil {
		return err
	}
	log := w.Provider.Log().Between(w.from, w.to)
	own := len(log.Of(r.Name))
	w.Note(usedOthers, float64(len(log)-own)/(w.perSecond()*(w.to-w.from).Seconds()))
	w.Note("used by it", float64(own)/(w.perSecond()*(w.to-w.from).Seconds()))
	if err := way.Heal(ctx); err != nil {
		return err
	}
	w.until = w.Provider.Now()
	return pause(ctx, 2*time.Second)
}
