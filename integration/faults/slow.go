package faults

import (
	"context"
	"time"
)

// slowRows returns the rows in which replies of Redis arrive late, or not at all.
func slowRows() []Row {
	hung := []Mark{law(), noneFailed(), atMost(overrun, 100), atMost(firstAfter, 2000), atLeast(usedThen, 0.84)}
	return []Row{{
		Number: 2, Name: "slow", Fault: "Redis is 1 s farther away, and the clients' read timeout is 3 s",
		Config: Config{Proxy: true, Flags: []string{"-read-timeout", "3s"}},
		Marks:  []Mark{law(), noneFailed(), usedAtLeast(0.5)},
		Play: func(ctx context.Context, w *World) error {
			w.Fault()
			w.Proxy.Delay(Commands, 500*time.Millisecond)
			w.Proxy.Delay(Replies, 500*time.Millisecond)
			if err := w.Busy(ctx, 1); err != nil {
				return err
			}
			if err := w.Measure(ctx, 20*time.Second); err != nil {
				return err
			}
			w.until = w.to
			return w.Proxy.Heal(ctx)
		},
	}, {
		Number: 3, Name: "slower than the timeout", Fault: "Redis is 1.5 s farther away, and the clients' read timeout is 1 s, for 20 s",
		Config: Config{Proxy: true},
		Marks:  []Mark{law(), noneFailed(), atMost(firstAfter, 5000), atMost(callsEach, 1.1)},
		Play:   slowerThanTimeout,
	}, {
		Number: 4, Name: "hung", Fault: "Redis is suspended for 10 s; tasks have deadlines of 500 ms",
		Config: Config{Deadline: 500 * time.Millisecond},
		Marks:  append(hung, atMost(during, 0)),
		Play: func(ctx context.Context, w *World) error {
			return w.away(ctx, 10*time.Second, w.Redis.Stop, w.Redis.Continue)
		},
	}, {
		Number: 19, Name: "one way", Fault: "replies of Redis are held back for 10 s, and commands reach it; tasks have deadlines of 500 ms",
		Config: Config{Deadline: 500 * time.Millisecond, Proxy: true},
		Marks:  append(hung, atMost(during, 0)),
		Play: func(ctx context.Context, w *World) error {
			return w.away(ctx, 10*time.Second, func() error {
				w.Proxy.Hang(Replies)
				return nil
			}, func() error { return w.Proxy.Heal(ctx) })
		},
	}, {
		Number: 29, Name: "many waiters", Fault: "Redis is suspended for 10 s, and 1,000 tasks wait",
		Config: Config{Tasks: 250, Options: []string{"--latency-tracking", "no"}},
		Marks:  []Mark{law(), noneFailed(), fortyInASecond(), atMost(firstAfter, 2000), atMost(requests, 76), atMost(fifo, 1.1)},
		Play: func(ctx context.Context, w *World) error {
			if err := w.away(ctx, 10*time.Second, w.Redis.Stop, w.Redis.Continue); err != nil {
				return err
			}
			return w.manyWait(ctx)
		},
	}}
}

// manyWait measures how many scripts a thousand waiting tasks cost Redis, and how long they wait. A task that begins has all others ahead of it.
func (w *World) manyWait(ctx context.Context) error {
	if err := w.Redis.Admin.ConfigResetStat(ctx).Err(); err != nil {
		return err
	}
	if err := w.Measure(ctx, 20*time.Second); err != nil {
		return err
	}
	w.until = w.to
	n, err := w.commands(ctx, "evalsha")
	if err != nil {
		return err
	}
	w.Note(requests, n/20)
	for _, r := range w.Fleet {
		if _, err := r.Ask(ctx, "waits"); err != nil {
			return err
		}
	}
	turn := float64(w.Tasks*w.Replicas) / w.perSecond() // seconds that the calls of all tasks take at the rate
	if err := pause(ctx, time.Duration(2*turn*float64(time.Second))); err != nil {
		return err
	}
	longest := 0.0
	for _, r := range w.Fleet {
		report, err := r.Ask(ctx, "report")
		if err != nil {
			return err
		}
		longest = max(longest, report.WaitP99MS/1000)
	}
	w.Note(fifo, longest/turn)
	return nil
}

const (
	fifo      = "99 % of waits ÷ the wait of one who has all others before it"
	callsEach = "requests during the fault ÷ calls in it"
	requests  = "scripts a second afterwards"
)

// away takes Redis away for d by leave, and brings it back by back. It notes the calls during that time, the time to the first call afterwards, the
// share that is used in the 3 s after it, and how late tasks with deadlines ended.
func (w *World) away(ctx context.Context, d time.Duration, leave, back func() error) error {
	w.Fault()
	from := w.Provider.Now()
	if err := leave(); err != nil {
		return err
	}
	if err := pause(ctx, d); err != nil {
		return err
	}
	w.During(from)
	if err := back(); err != nil {
		return err
	}
	if err := w.First(ctx); err != nil {
		return err
	}
	first := w.Provider.Now()
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	w.Note(usedThen, w.Provider.Log().Used(first, w.Provider.Now(), w.perSecond()))
	w.until = w.Provider.Now()
	if w.Deadline > 0 {
		late := 0.0
		for _, r := range w.Fleet {
			report, err := r.Ask(ctx, "report")
			if err != nil {
				return err
			}
			late = max(late, report.OverrunMS)
		}
		w.Note(overrun, late)
	}
	return nil
}

func slowerThanTimeout(ctx context.Context, w *World) error {
	w.Fault()
	scripts := w.Proxy.Count("EVALSHA")
	w.Proxy.Delay(Commands, 750*time.Millisecond)
	w.Proxy.Delay(Replies, 750*time.Millisecond)
	if err := pause(ctx, reserved); err != nil { // calls with earlier reservations start in this time
		return err
	}
	from := w.Provider.Now()
	if err := pause(ctx, 20*time.Second); err != nil {
		return err
	}
	w.from, w.to = from, w.Provider.Now()
	w.until = w.to
	calls := w.Provider.Log().Between(from, w.to)
	first := w.to
	if len(calls) > 0 {
		first = calls[0].At
	}
	w.Note(firstAfter, float64((first - from).Milliseconds()))
	w.Note(callsEach, float64(w.Proxy.Count("EVALSHA")-scripts)/float64(max(1, len(calls))))
	return w.Proxy.Heal(ctx)
}
