package faults

import (
	"context"
	"fmt"
	"strings"
)

// Topology says of which servers Redis consists.
type Topology int

// The topologies.
const (
	Single   Topology = iota
	Cluster           // a Redis Cluster of six nodes: three masters, each with a replica
	Sentinel          // a master, two replicas and three Sentinels
)

// startRedis starts the servers of the row, and sets [World.Redis] to the master that has the keys of the fleet. env is the environment of a
// single server.
func (w *World) startRedis(ctx context.Context, env []string) (err error) {
	switch {
	case w.Topology == Cluster:
		return w.startCluster(ctx)
	case w.Topology == Sentinel:
		return w.startSentinels(ctx)
	case w.Docker:
		w.Redis, err = StartContainer(ctx)
	default:
		w.Redis, err = StartServer(ctx, w.dir, env, w.Options...)
	}
	if err == nil {
		w.servers = append(w.servers, w.Redis)
	}
	return err
}

// serve starts a server of a topology, as a process or in a container. The server is closed at the end of the row.
func (w *World) serve(ctx context.Context, options ...string) (s *Server, err error) {
	if w.Docker {
		s, err = startHostContainer(ctx, serverReady, func(port string) []string {
			return append(append([]string{"redis-server"}, serverOptions(port)...), options...)
		})
	} else {
		s, err = StartServer(ctx, w.dir, nil, options...)
	}
	if err != nil {
		return nil, err
	}
	w.servers = append(w.servers, s)
	return s, nil
}

// url returns the URL that the replicas get for Redis.
func (w *World) url() string {
	switch {
	case w.Topology == Cluster:
		return "cluster://" + addresses(w.nodes)
	case w.Topology == Sentinel:
		return fmt.Sprintf("sentinel://%s/%s", addresses(w.sentinels), masterName)
	case w.Proxy != nil:
		return "redis://" + w.Proxy.Addr
	case w.Password != "":
		return "redis://default:" + w.Password + "@" + w.Redis.Addr
	}
	return "redis://" + w.Redis.Addr
}

func addresses(servers []*Server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Addr)
	}
	return strings.Join(all, ",")
}

// stateKey is the key of the fleet's buckets. All keys of the fleet are in its slot.
const stateKey = "{weir}:state"
