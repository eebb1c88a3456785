package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const (
	slotCount = 16384
	masters   = 3
)

// startCluster starts a Redis Cluster of six nodes. Node n + 3 is the replica of node n.
func (w *World) startCluster(ctx context.Context) error {
	var first []string // of the first node: its port, and the port of its cluster bus
	for n := range 2 * masters {
		bus, err := freePort(ctx)
		if err != nil {
			return err
		}
		s, err := w.serve(ctx, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "1000", "--repl-ping-replica-period", "1",
			"--repl-diskless-sync-delay", "0",
		}, w.Options...)...)
		if err != nil {
			return err
		}
		w.nodes = append(w.nodes, s)
		_, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return err
		}
		if n < masters {
			if err := s.Admin.ClusterAddSlotsRange(ctx, n*slotCount/masters, (n+1)*slotCount/masters-1).Err(); err != nil {
				return err
			}
		}
		if n == 0 {
			first = []string{port, bus}
		} else if err := s.Admin.Do(ctx, "cluster", "meet", "127.0.0.1", first[0], first[1]).Err(); err != nil {
			return err
		}
	}
	if err := w.clusterIs(ctx, "cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", 2*masters)); err != nil {
		return err
	}
	for n, s := range w.nodes[masters:] {
		id, err := w.nodes[n].Admin.ClusterMyID(ctx).Result()
		if err != nil {
			return err
		}
		if err := s.Admin.ClusterReplicate(ctx, id).Err(); err != nil {
			return err
		}
	}
	if err := w.clusterIs(ctx, "cluster_state:ok"); err != nil {
		return err
	}
	for _, s := range w.nodes[masters:] {
		if err := follows(ctx, s); err != nil {
			return err
		}
	}
	err := wait(ctx, "all nodes know all replicas", func(ctx context.Context) bool {
		for _, s := range w.nodes {
			all, err := s.Admin.ClusterShards(ctx).Result()
			if err != nil || len(all) != masters || slices.ContainsFunc(all, func(shard redis.ClusterShard) bool { return len(shard.Nodes) != 2 }) {
				return false
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	w.Redis, err = w.owner(ctx)
	return err
}

// clusterIs waits until the CLUSTER INFO of all running nodes contains the facts.
func (w *World) clusterIs(ctx context.Context, facts ...string) error {
	return wait(ctx, "all nodes report "+strings.Join(facts, ", "), func(ctx context.Context) bool {
		for _, s := range w.nodes {
			info, err := s.Admin.ClusterInfo(ctx).Result()
			if err != nil && ctx.Err() == nil && !s.running() {
				continue
			}
			for _, fact := range facts {
				if err != nil || !strings.Contains(info, fact) {
					return false
				}
			}
		}
		return true
	})
}

// follows waits until a replica of Redis is in sync with its master.
func follows(ctx context.Context, s *Server) error {
	return wait(ctx, s.Addr+" follows its master", func(ctx context.Context) bool {
		info, err := s.Admin.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "role:slave") && strings.Contains(info, "master_link_status:up")
	})
}

// owner returns the master of the slot that has the keys of the fleet.
func (w *World) owner(ctx context.Context) (*Server, error) {
	slot, err := w.nodes[0].Admin.ClusterKeySlot(ctx, stateKey).Result()
	if err != nil {
		return nil, err
	}
	all, err := w.nodes[0].Admin.ClusterShards(ctx).Result()
	if err != nil {
		return nil, err
	}
	for _, shard := range all {
		if !slices.ContainsFunc(shard.Slots, func(r redis.SlotRange) bool { return slot >= r.Start && slot <= r.End }) {
			continue
		}
		for _, node := range shard.Nodes {
			if node.Role == "master" {
				return w.nodeAt(net.JoinHostPort(node.IP, strconv.FormatInt(node.Port, 10)))
			}
		}
	}
	return nil, errors.New("faults: the cluster has no master for the slot of the fleet")
}

func (w *World) nodeAt(addr string) (*Server, error) {
	for _, s := range w.nodes {
		if s.Addr == addr {
			return s, nil
		}
	}
	return nil, fmt.Errorf("faults: %s is not a node of the cluster", addr)
}

// others returns the nodes with a role, master or slave, without one node.
func (w *World) others(ctx context.Context, role string, except *Server) (all []*Server) {
	for _, s := range w.nodes {
		if s == except {
			continue
		}
		if info, err := s.Admin.Info(ctx, "replication").Result(); err == nil && strings.Contains(info, "role:"+role) {
			all = append(all, s)
		}
	}
	return all
}
