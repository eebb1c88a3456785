package faults

import (
	"context"
	"fmt"
	"time"
)

// fleetRows returns the rows about replicas that come, go and disagree, about other kinds of budgets, and about damaged records.
func fleetRows() []Row {
	return []Row{{
		Number: 28, Name: "rolling restart", Fault: "20 replicas in turn are ended by SIGTERM and replaced",
		Marks: []Mark{law(), noneFailed(), usedAtLeast(0.9)},
		Play:  restartInTurn,
	}, {
		Number: 30, Name: "disagreement", Fault: "a replica that is configured with ten times the rate joins two others",
		Config: Config{Replicas: 2, Joining: 1},
		Marks:  []Mark{law(), noneFailed(), usedAtLeast(0.97), atMost(shownAfter, 12)},
		Play:   disagree,
	}, {
		Number: 31, Name: "another rate", Fault: "the rate is set from 34 to 10 and back while calls wait",
		Marks: []Mark{law(), noneFailed(), atMost(atTen, 0.5), atLeast(usedAtTen, 0.95)},
		Play:  changeRate,
	}, {
		Number: 41, Name: "disagreement and loss", Fault: "one of three replicas is configured with ten times the rate, and FLUSHALL comes three times",
		Config: Config{Replicas: 2, Joining: 1},
		Marks:  []Mark{law(), noneFailed(), silenceAtMost(1250 * time.Millisecond)},
		Play: func(ctx context.Context, w *World) error {
			if _, err := w.Add(ctx, "r340", "-rate", "340"); err != nil {
				return err
			}
			w.Fault()
			for range 3 {
				if err := w.Redis.Admin.FlushAll(ctx).Err(); err != nil {
					return err
				}
				if err := w.Busy(ctx, 4); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		Number: 42, Name: "callers give up", Fault: "the callers of three of four replicas give up after 300 ms",
		Config: Config{Replicas: 1, Joining: 3},
		Marks:  []Mark{law(), noneFailed(), usedAtLeast(0.97)},
		Play: func(ctx context.Context, w *World) error {
			for i := range 3 {
				if _, err := w.Add(ctx, fmt.Sprint("r", i+2), "-deadline", "300ms"); err != nil {
					return err
				}
			}
			w.Fault()
			return w.Measure(ctx, 20*time.Second)
		},
	}, {
		Number: 43, Name: "daily budget", Fault: "a budget of 200 a day with a burst of 60 is spent, and FLUSHALL comes twice",
		Config: Config{Rate: 200, Per: 24 * time.Hour, Burst: 60},
		Marks:  []Mark{excessAtMost(0.1), noneFailed(), atMost(during, 1)},
		Play: func(ctx context.Context, w *World) error {
			w.Fault()
			from := w.Provider.Now()
			for range 2 {
				if err := pause(ctx, 11*time.Second); err != nil { // each replica announces what it knows every 10 s
					return err
				}
				if err := w.Redis.Admin.FlushAll(ctx).Err(); err != nil {
					return err
				}
				if err := pause(ctx, 15*time.Second); err != nil { // the limiter grants again within 12 s of the loss
					return err
				}
			}
			w.During(from)
			return nil
		},
	}, {
		Number: 44, Name: "damaged records", Fault: "each field of the namespace's state in Redis is damaged in turn while calls wait",
		// Each damage gives at most a burst and the tokens of a horizon.
		Marks: []Mark{noneFailed(), atMost(overDamage, 0), silenceAtMost(30 * time.Second)},
		Play:  damage,
	}, {
		Number: 45, Name: "hold and restart", Fault: "the provider asks to wait for an hour, then all replicas and Redis (with its log) are killed and start again",
		Config: Config{Options: []string{"--appendonly", "yes", "--appendfsync", "always"}},
		Marks:  []Mark{law(), atMost(during, 0)},
		Play:   holdAndRestart,
	}, {
		Number: 46, Name: "far away", Fault: "one of four replicas is 300 ms farther from Redis: 150 ms each way",
		Config: Config{Replicas: 3, Joining: 1},
		Marks:  []Mark{lawFrom(300 * time.Millisecond), noneFailed(), fortyInASecond(), usedAtLeast(0.97)},
		Play: func(ctx context.Context, w *World) error {
			return farAway(ctx, w, 150*time.Millisecond, 150*time.Millisecond)
		},
	}, {
		Number: 47, Name: "late replies", Fault: "one of four replicas gets Redis' replies 700 ms later",
		Config: Config{Replicas: 3, Joining: 1},
		Marks:  []Mark{lawFrom(700 * time.Millisecond), noneFailed()},
		Play: func(ctx context.Context, w *World) error {
			return farAway(ctx, w, 0, 700*time.Millisecond)
		},
	}}
}

// lawFrom is the limiter's promise if the replies to one replica take longer than to the others. That replica's calls start later by as much.
func lawFrom(farther time.Duration) Mark { return excessAtMost(34 * (slack + farther).Seconds()) }

func farAway(ctx context.Context, w *World, there, back time.Duration) error {
	r, way, err := w.AddBehind(ctx, "r4")
	if err != nil {
		return err
	}
	w.Fault()
	way.Delay(Commands, there)
	way.Delay(Replies, back)
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := w.Measure(ctx, 20*time.Second); err != nil {
		return err
	}
	w.until = w.to
	span := w.Provider.Log().Between(w.from, w.to)
	w.Note("share of the calls that the far replica made", float64(len(span.Of(r.Name)))/float64(len(span)))
	return way.Heal(ctx)
}

// disagree starts a replica with another rate, and measures how long it takes until the other replicas show the disagreement.
func disagree(ctx context.Context, w *World) error {
	w.Fault()
	if _, err := w.Add(ctx, "r340", "-rate", "340"); err != nil {
		return err
	}
	w.from = w.Provider.Now()
	disputed := 0
	err := wait(ctx, "the disagreement is seen", func(ctx context.Context) bool {
		report, err := w.Fleet[0].Ask(ctx, "disputed")
		disputed = report.Disputed
		return err == nil && disputed != 0
	})
	if err != nil {
		return err
	}
	if disputed > 0 {
		w.Note(shownAfter, (w.Provider.Now() - w.from).Seconds())
	}
	err = pause(ctx, 15*time.Second)
	w.to = w.Provider.Now()
	return err
}

const (
	shownAfter = "s until the others showed the disagreement"
	atTen      = "excess while the rate was 10"
	usedAtTen  = "used while the rate was 10"
	overDamage = "excess above a burst and a horizon's tokens for each damage"
)

func restartInTurn(ctx context.Context, w *World) error {
	w.Fault()
	w.from = w.Provider.Now()
	for i := range 20 {
		if _, err := w.Fleet[i].end(ctx, w.Provider.Now); err != nil { // the oldest
			return err
		}
		r, err := w.Add(ctx, fmt.Sprint("r", i+5))
		if err != nil {
			return err
		}
		if err := w.Await(ctx, 8, w.Provider.Now(), r.Name); err != nil {
			return err
		}
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	return nil
}

func changeRate(ctx context.Context, w *World) error {
	w.Fault()
	if err := w.setRate(ctx, "rate 10"); err != nil {
		return err
	}
	if err := pause(ctx, reserved); err != nil { // reservations made before the change keep their due times
		return err
	}
	from := w.Provider.Now()
	if err := pause(ctx, 15*time.Second); err != nil {
		return err
	}
	to := w.Provider.Now()
	slow := w.Provider.Log().Between(from, to)
	w.Note(atTen, slow.Excess(10, float64(w.Burst)))
	w.Note(usedAtTen, slow.Used(from, to, 10))
	if err := w.setRate(ctx, "rate 34"); err != nil {
		return err
	}
	return w.Measure(ctx, 10*time.Second)
}

func damage(ctx context.Context, w *World) error {
	w.Fault()
	times := 0
	for _, junk := range []string{"", "4", "4 -1 nan 1e300 x", "4 99999999999999 99999999999999 99999999999999 9999999999999999"} {
		fields, err := w.Redis.Admin.HKeys(ctx, "{weir}:state").Result()
		if err != nil {
			return err
		}
		for _, field := range fields {
			if err := w.Redis.Admin.HSet(ctx, "{weir}:state", field, junk).Err(); err != nil {
				return err
			}
			times++
			if err := w.Busy(ctx, 1); err != nil {
				return err
			}
		}
	}
	w.until = w.Provider.Now()
	w.Note("damages", float64(times))
	each := float64(w.Burst) + w.perSecond()*0.25
	w.Note(overDamage, max(0, w.Provider.Log().Excess(w.perSecond(), float64(w.Burst))-float64(times)*each-w.perSecond()*slack.Seconds()))
	return nil
}

func holdAndRestart(ctx context.Context, w *World) error {
	w.Fault()
	if _, err := w.Fleet[0].Ask(ctx, "hold 1h"); err != nil {
		return err
	}
	if err := pause(ctx, reserved); err != nil {
		return err
	}
	from := w.Provider.Now()
	for _, r := range w.Fleet {
		if err := r.Signal(resumeSignal); err != nil {
			return err
		}
		if err := r.Kill(); err != nil {
			return err
		}
	}
	if err := w.Redis.Kill(); err != nil {
		return err
	}
	if err := w.Redis.Start(ctx); err != nil {
		return err
	}
	for i := range 4 {
		if _, err := w.Add(ctx, fmt.Sprint("r", i+5)); err != nil {
			return err
		}
	}
	if err := pause(ctx, 10*time.Second); err != nil {
		return err
	}
	w.Note(during, float64(len(w.Provider.Log().Between(from, w.Provider.Now()))))
	return nil
}
