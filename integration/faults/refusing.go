package faults

import (
	"context"
	"fmt"
	"time"
)

// refusingRows are the rows in which Redis answers with errors.
func refusingRows() []Row {
	return []Row{{
		Number: 10, Name: "out of memory", Fault: "Redis refuses writes for 5 s because its memory is full (noeviction)",
		Marks: []Mark{law(), noneFailed(), atMost(during, 0), atMost(firstAfter, 1000)},
		Play: func(ctx context.Context, w *World) error {
			return w.away(ctx, 5*time.Second,
				func() error { return w.Redis.Admin.ConfigSet(ctx, "maxmemory", "1").Err() },
				func() error { return w.Redis.Admin.ConfigSet(ctx, "maxmemory", "0").Err() })
		},
	}, {
		Number: 12, Name: "read only", Fault: "Redis is made a replica for 3 s, keeps its connections, and is promoted again",
		Marks: []Mark{law(), noneFailed(), atMost(during, 0), atMost(firstAfter, 2000)},
		Play: func(ctx context.Context, w *World) error {
			return w.away(ctx, 3*time.Second,
				func() error { return w.Redis.Admin.SlaveOf(ctx, "127.0.0.1", "1").Err() },
				func() error { return w.Redis.Admin.SlaveOf(ctx, "NO", "ONE").Err() })
		},
	}, {
		Number: 13, Name: "loading", Fault: "Redis loads its data for about 5 s",
		Config: Config{Options: []string{"--loading-process-events-interval-bytes", "1024"}},
		Marks:  []Mark{law(), noneFailed(), atMost(during, 0), atMost(firstAfter, 1000)},
		Play:   load,
	}, {
		Number: 14, Name: "busy", Fault: "a script of somebody else keeps Redis busy for 5 s; tasks have deadlines of 500 ms",
		Config: Config{Deadline: 500 * time.Millisecond, Options: []string{"--busy-reply-threshold", "100"}},
		Marks:  []Mark{law(), noneFailed(), atMost(overrun, 100), atMost(during, 0), atMost(firstAfter, 1000)},
		Play: func(ctx context.Context, w *World) error {
			ended := make(chan struct{})
			return w.away(ctx, 5*time.Second,
				func() error {
					go func() {
						defer close(ended)
						_ = w.Redis.Admin.WithTimeout(time.Minute).Eval(ctx, "while true do end", nil).Err() // until it is killed
					}()
					return nil
				},
				func() error {
					err := w.Redis.Admin.ScriptKill(ctx).Err()
					<-ended
					return err
				})
		},
	}}
}

// load has Redis read 5,000 keys, for which it takes a millisecond each. What it had in memory it has again.
func load(ctx context.Context, w *World) error {
	pipe := w.Redis.Admin.Pipeline()
	for i := range 5000 {
		pipe.Set(ctx, fmt.Sprint("key", i), i, 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if err := w.Redis.Admin.ConfigSet(ctx, "key-load-delay", "1000").Err(); err != nil {
		return err
	}
	w.Fault()
	from := w.Provider.Now()
	reload := w.Redis.Admin.WithTimeout(time.Minute)
	if err := reload.Do(ctx, "debug", "reload").Err(); err != nil {
		return err
	}
	w.Note("s that loading took", (w.Provider.Now() - from).Seconds())
	w.During(from)
	if err := w.First(ctx); err != nil {
		return err
	}
	err := w.Busy(ctx, 2)
	w.until = w.Provider.Now()
	return err
}
