package limiter_test

import (
	"testing"

	"github.com/weir-go/weir/limiter"
)

// TestAdviceForFailovers: the limiter gives the advice only for a master that has replicas and accepts writes without them.
func TestAdviceForFailovers(t *testing.T) {
	for info, want := range map[string]bool{
		"# Replication\r\nrole:master\r\nconnected_slaves:1\r\n":                             true,
		"# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmin_slaves_good_slaves:2\r\n": false,
		"# Replication\r\nrole:master\r\nconnected_slaves:0\r\n":                             false,
		"# Replication\r\nrole:slave\r\nconnected_slaves:1\r\n":                              false,
		"":              false,
		"# Clients\r\n": false,
	} {
		if got := limiter.LacksReplicas(info); got != want {
			t.Errorf("LacksReplicas of %q is %t, want %t", info, got, want)
		}
	}
}

// TestAdviceForEvictions: the limiter gives the advice only for a server with bounded memory that evicts keys without a TTL.
func TestAdviceForEvictions(t *testing.T) {
	for info, want := range map[string]bool{
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n":    true,
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-random\r\n": true,
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:volatile-lru\r\n":   false,
		"# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n":     false,
		"# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n":          false,
		"": false,
	} {
		if got := limiter.EvictsAll(info); got != want {
			t.Errorf("EvictsAll of %q is %t, want %t", info, got, want)
		}
	}
}
