package faults

import (
	"context"
	"time"
)

// failoverRows returns the rows in which another Redis takes over.
func failoverRows() []Row {
	return []Row{{
		Number: 8, Name: "killed with a log", Fault: "Redis is killed five times and starts again from its log (appendfsync everysec)",
		Config: Config{Options: []string{"--appendonly", "yes", "--appendfsync", "everysec"}},
		Marks:  []Mark{law(), noneFailed(), silenceAtMost(2 * time.Second)},
		Play: func(ctx context.Context, w *World) error {
			w.Fault()
			for range 5 {
				if err := w.Redis.Kill(); err != nil {
					return err
				}
				if err := w.Redis.Start(ctx); err != nil {
					return err
				}
				if err := w.Busy(ctx, 2); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		Number: 15, Name: "failover", Fault: "a replica of Redis that lags by 2 s takes over, five times",
		Config: Config{Proxy: true},
		Marks:  []Mark{law(), noneFailed(), silenceAtMost(1250 * time.Millisecond)},
		Play: func(ctx context.Context, w *World) error {
			w.Fault()
			for range 5 {
				next, err := w.follow(ctx, w.Redis)
				if err != nil {
					return err
				}
				// From here on the new server receives no changes. It is 2 s behind when the fleet connects to it.
				if err := next.Admin.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
					return err
				}
				if err := pause(ctx, 2*time.Second); err != nil {
					return err
				}
				if err := w.Redis.Kill(); err != nil {
					return err
				}
				w.Redis = next
				w.Proxy.Turn(next.Addr)
				if err := w.Busy(ctx, 2); err != nil {
					return err
				}
			}
			return nil
		},
	}, {
		Number: 16, Name: "two masters", Fault: "half of the replicas use a promoted replica of Redis for 3 s while the others use the former one",
		Config: Config{Replicas: 2, Joining: 2},
		Marks:  []Mark{excessAtMost(4 + 34*3), noneFailed()},
		Play: func(ctx context.Context, w *World) error {
			var ways []*Proxy
			for _, name := range []string{"r3", "r4"} {
				_, p, err := w.AddBehind(ctx, name)
				if err != nil {
					return err
				}
				ways = append(ways, p)
			}
			other, err := w.follow(ctx, w.Redis)
			if err != nil {
				return err
			}
			w.Fault()
			if err := other.Admin.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
				return err
			}
			for _, p := range ways {
				p.Turn(other.Addr)
			}
			if err := pause(ctx, 3*time.Second); err != nil {
				return err
			}
			for _, p := range ways {
				p.Turn(w.Redis.Addr)
			}
			return w.Busy(ctx, 3)
		},
	}, {
		Number: 16, Name: "two masters, guarded",
		Fault:  "half of the replicas use a promoted replica of Redis for 3 s while the others use the former one, which does not notice the split and has min-replicas-to-write 1 and min-replicas-max-lag 1",
		Config: Config{Replicas: 2, Joining: 2, Proxy: true},
		Marks:  []Mark{excessAtMost(4 + 34*2), noneFailed()},
		Play:   splitGuarded,
	}}
}

// splitGuarded separates a replica of Redis from its master by dropping all packets between them, and promotes it. The master does not see the
// connection end. It refuses writes once its replica has been silent for min-replicas-max-lag.
func splitGuarded(ctx context.Context, w *World) error {
	var ways []*Proxy
	for _, name := range []string{"r3", "r4"} {
		_, p, err := w.AddBehind(ctx, name)
		if err != nil {
			return err
		}
		ways = append(ways, p)
	}
	link, err := startRelay(ctx, w.Redis.Addr)
	if err != nil {
		return err
	}
	defer link.close()
	other, err := w.serve(ctx, "--repl-diskless-sync-delay", "0")
	if err != nil {
		return err
	}
	for setting, value := range map[string]string{"repl-diskless-sync-delay": "0", "min-replicas-to-write": "1", "min-replicas-max-lag": "1"} {
		if err := w.Redis.Admin.ConfigSet(ctx, setting, value).Err(); err != nil {
			return err
		}
	}
	if err := follow(ctx, other, link.addr); err != nil {
		return err
	}
	if err := w.Busy(ctx, 2); err != nil { // until then the master has counted its replica
		return err
	}
	former := w.Redis
	w.nodes = []*Server{former, other}
	seen := w.watchMasters(ctx)
	defer seen.end()
	w.Fault()
	link.freeze()
	split := w.Provider.Now()
	if err := other.Admin.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		return err
	}
	for _, p := range ways {
		p.Turn(other.Addr)
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	w.Note(twoMasters, (seen.until().lastGrant(0, split, w.Provider.Now()) - split).Seconds())
	w.Redis = other
	w.Proxy.Turn(other.Addr) // the other half connects to the new master, too
	return w.Busy(ctx, 3)
}

// follow starts a replica of a master, and returns it when it is in sync.
func (w *World) follow(ctx context.Context, master *Server) (*Server, error) {
	s, err := w.serve(ctx, "--repl-diskless-sync-delay", "0")
	if err != nil {
		return nil, err
	}
	if err := master.Admin.ConfigSet(ctx, "repl-diskless-sync-delay", "0").Err(); err != nil {
		return nil, err
	}
	return s, follow(ctx, s, master.Addr)
}
