package faults

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// masterName is the name under which Sentinels watch the master.
const masterName = "weir"

// startSentinels starts a master, two replicas of it, and three Sentinels that watch them.
func (w *World) startSentinels(ctx context.Context) error {
	for n := range 3 {
		s, err := w.serve(ctx, append([]string{"--repl-diskless-sync-delay", "0"}, w.Options...)...)
		if err != nil {
			return err
		}
		w.nodes = append(w.nodes, s)
		if n == 0 {
			continue
		}
		if err := follow(ctx, s, w.nodes[0].Addr); err != nil {
			return err
		}
	}
	w.Redis = w.nodes[0]
	host, port, err := net.SplitHostPort(w.Redis.Addr)
	if err != nil {
		return err
	}
	var conf strings.Builder
	for _, line := range append([]string{fmt.Sprintf("monitor %s %s %s 2", masterName, host, port)}, w.Watch...) {
		conf.WriteString("sentinel " + line + "\n")
	}
	for range 3 {
		s, err := w.sentinel(ctx, conf.String())
		if err != nil {
			return err
		}
		w.servers, w.sentinels = append(w.servers, s), append(w.sentinels, s)
	}
	return w.sentinelsKnow(ctx, w.Redis)
}

// sentinel starts one Sentinel with further lines of configuration.
func (w *World) sentinel(ctx context.Context, conf string) (*Server, error) {
	own := func(port, home string) string {
		return fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\n%s", port, home, conf)
	}
	if w.Docker {
		return startHostContainer(ctx, sentinelReady, func(port string) []string {
			// A Sentinel overwrites its configuration file, so each needs a file of its own.
			return []string{"sh", "-c", `printf '%s' "$1" > /data/sentinel.conf && exec redis-server /data/sentinel.conf --sentinel`, "sh", own(port, "/data")}
		})
	}
	return startProcess(ctx, w.dir, nil, sentinelReady, func(port, home string) ([]string, error) {
		file := filepath.Join(home, "sentinel.conf")
		return []string{file, "--sentinel"}, os.WriteFile(file, []byte(own(port, home)), 0o600)
	})
}

// follow makes a server a replica of a master, and returns when it is in sync.
func follow(ctx context.Context, s *Server, master string) error {
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		return err
	}
	if err := s.Admin.ReplicaOf(ctx, host, port).Err(); err != nil {
		return err
	}
	return follows(ctx, s)
}

// sentinelsKnow waits until all Sentinels know the master, its two replicas and each other.
func (w *World) sentinelsKnow(ctx context.Context, master *Server) error {
	_, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		return err
	}
	return wait(ctx, "all Sentinels know all servers", func(ctx context.Context) bool {
		for _, s := range w.sentinels {
			of, err := s.Admin.Do(ctx, "sentinel", "master", masterName).Result()
			facts, ok := of.(map[any]any)
			if err != nil || !ok || facts["port"] != port || facts["num-slaves"] != "2" || facts["num-other-sentinels"] != "2" || facts["flags"] != "master" {
				return false
			}
			if !w.replicasAreUp(ctx, s) {
				return false
			}
		}
		return true
	})
}

// replicasAreUp reports whether a Sentinel knows two replicas that are in sync, so that it could promote either.
func (w *World) replicasAreUp(ctx context.Context, sentinel *Server) bool {
	all, err := sentinel.Admin.Do(ctx, "sentinel", "replicas", masterName).Slice()
	if err != nil {
		return false
	}
	for _, of := range all {
		facts, ok := of.(map[any]any)
		if !ok || facts["flags"] != "slave" || facts["master-link-status"] != "ok" {
			return false
		}
	}
	return len(all) == 2
}
