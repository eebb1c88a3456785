package limiter

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// reloadEvery is how often at most the slots of a cluster are reloaded because nodes do not answer.
const reloadEvery = 200 * time.Millisecond

// topology follows a Redis of several servers.
type topology struct {
	rdb      redis.UniversalClient
	zero     time.Time    // of its scale; fixed
	reloaded atomic.Int64 // ns on the scale; 0 for never
}

// reload makes the client of a cluster reload the slots, because a call could not be made. On its own the client
// reloads when a node redirects it, or about once a minute. A dead master redirects nobody.
func (p *topology) reload(ctx context.Context) {
	cluster, ok := p.rdb.(*redis.ClusterClient)
	now, last := int64(time.Since(p.zero)), p.reloaded.Load() // a wall clock may step
	if ok && (last == 0 || now-last > int64(reloadEvery)) && p.reloaded.CompareAndSwap(last, now) {
		cluster.ReloadState(ctx)
	}
}

// advise logs two costs once. The first is the cost of a failover, if Redis has replicas and accepts writes without
// them. The second is the cost of an eviction, if Redis may evict. In a cluster it asks the master of the namespace. If
// the user may not ask, nothing is logged.
func (l *Limiter) advise(ctx context.Context, rdb redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(ctx, l.s.CallTimeout)
	defer cancel()
	var master redis.Cmdable = rdb
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		node, err := cluster.MasterForKey(ctx, lua.Keys(l.s.Namespace).State())
		if err != nil {
			return
		}
		master = node
	}
	if text, err := master.Info(ctx, "replication").Result(); err == nil && lacksReplicas(facts(text)) {
		l.s.Logger.LogAttrs(ctx, slog.LevelWarn,
			"redis accepts writes without its replicas: while a failover has two masters, each of them grants; set min-replicas-to-write 1 and min-replicas-max-lag 1",
			slog.String("namespace", l.s.Namespace))
	}
	if text, err := master.Info(ctx, "memory").Result(); err == nil && evictsAll(facts(text)) {
		l.s.Logger.LogAttrs(ctx, slog.LevelWarn,
			"redis may evict what the fleet has agreed on, and calls pause for a moment each time; set maxmemory-policy to noeviction or to a volatile one",
			slog.String("namespace", l.s.Namespace))
	}
}

// facts are the lines of INFO.
func facts(info string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

// evictsAll reports whether a server with a memory bound evicts keys without a TTL. The namespace's state is such a
// key.
func evictsAll(facts map[string]string) bool {
	return facts["maxmemory"] != "0" && strings.HasPrefix(facts["maxmemory_policy"], "allkeys-")
}

// lacksReplicas reports whether a master has replicas and accepts writes that no replica has.
func lacksReplicas(facts map[string]string) bool {
	replicas, _ := strconv.Atoi(facts["connected_slaves"])
	_, guarded := facts["min_slaves_good_slaves"]
	return facts["role"] == "master" && replicas > 0 && !guarded
}
