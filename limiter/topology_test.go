package limiter_test

import (
	"testing"

	"github.com/weir-go/weir/limiter"
)

// TestAdviceForFailovers is for a master that has replicas and writes without them, and for no other server.
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
			t.Errorf("%q: %t", info, got)
		}
	}
}
