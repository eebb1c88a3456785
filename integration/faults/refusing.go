package faults

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// refusingRows returns the rows in which Redis replies with errors.
func refusingRows() []Row {
	return []Row{{
		Number: 10, Name: "out of memory", Fault: "the memory of Redis is full for 5 s (noeviction); the state of a fleet has a fixed size, and it goes on",
		Marks: []Mark{law(), noneFailed(), usedAtLeast(0.97), atMost(firstAfter, 1000)},
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
				func() error { return w.Redis.Admin.ReplicaOf(ctx, "127.0.0.1", "1").Err() },
				func() error { return w.Redis.Admin.ReplicaOf(ctx, "NO", "ONE").Err() })
		},
	}, {
		Number: 21, Name: "wrong password", Fault: "Redis asks for another password than the replicas have, and ends their connections, for 10 s",
		Config: Config{Password: "secret-of-the-replicas"},
		Marks:  []Mark{law(), noneFailed(), atMost(during, 0), atMost(dials, 1), atMost(shownPasswords, 0)},
		Play: func(ctx context.Context, w *World) error {
			return w.refuse(ctx, []any{"config", "set", "requirepass", "another"}, []any{"config", "set", "requirepass", ""})
		},
	}, {
		Number: 21, Name: "no permission", Fault: "Redis takes the permission to run scripts from the replicas for 10 s",
		Config: Config{Password: "secret-of-the-replicas"},
		Marks:  []Mark{law(), noneFailed(), atMost(during, 0), atMost(dials, 1), atMost(shownPasswords, 0)},
		Play: func(ctx context.Context, w *World) error {
			return w.refuse(ctx, []any{"acl", "setuser", "default", "-evalsha", "-eval"}, []any{"acl", "setuser", "default", "+evalsha", "+eval"})
		},
	}, {
		Number: 21, Name: "too many clients", Fault: "Redis accepts no client except its administrator's, and ends the connections of the others, for 10 s",
		Marks: []Mark{law(), noneFailed(), atMost(during, 0), atMost(dials, 1)},
		Play: func(ctx context.Context, w *World) error {
			return w.refuse(ctx, []any{"config", "set", "maxclients", "1"}, []any{"config", "set", "maxclients", "1000"})
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
						_ = w.Redis.Admin.WithTimeout(time.Minute).Eval(ctx, "while true do end", nil).Err() // until SCRIPT KILL
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

// load makes Redis save its data and load it again, which takes a millisecond for each of 5,000 keys. Redis loses no key.
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

const (
	dials          = "connections a second of each replica"
	shownPasswords = "times that a replica printed its password"
)

// refuse makes Redis refuse the fleet for 10 s. The first command begins that, the second ends it.
func (w *World) refuse(ctx context.Context, from, to []any) error {
	admin := w.Redis.Admin.Conn() // this connection stays logged in when the password changes
	defer admin.Close()           //nolint:errcheck // only the first error counts
	var before float64
	err := w.away(ctx, 10*time.Second, func() (err error) {
		if err = admin.Do(ctx, from...).Err(); err != nil {
			return err
		}
		if err = admin.Do(ctx, "client", "kill", "type", "normal", "skipme", "yes").Err(); err != nil {
			return err
		}
		before, err = connections(admin.Info(ctx, "stats").Result())
		return err
	}, func() error {
		after, err := connections(admin.Info(ctx, "stats").Result())
		if err != nil {
			return err
		}
		w.Note(dials, (after-before)/10/float64(w.Replicas))
		return admin.Do(ctx, to...).Err()
	})
	if w.Password != "" {
		n := 0
		for _, r := range w.Fleet {
			n += strings.Count(r.stderr.String()+r.last.Error, w.Password)
		}
		w.Note(shownPasswords, float64(n))
	}
	return err
}

// connections returns the number of connections that Redis has accepted and rejected, from its INFO stats. err is the error of that command.
func connections(info string, err error) (sum float64, _ error) {
	if err != nil {
		return 0, err
	}
	for _, name := range []string{"total_connections_received:", "rejected_connections:"} {
		_, rest, _ := strings.Cut(info, name)
		number, _, _ := strings.Cut(rest, "\r\n")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
