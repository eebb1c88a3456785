package integration

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-go/weir/worker/fleet"
)

// TestInfoIsThatOfTheNamespacesNode: fleet.Read returns the INFO of the node that has the keys of the fleet. The test reads fleets on all nodes
// of a cluster several times, because a cluster client sends INFO to any node.
func TestInfoIsThatOfTheNamespacesNode(t *testing.T) {
	nodes := startCluster(t)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: nodes, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}})
	defer func() { _ = rdb.Close() }()
	admin, fleets := node(t, nodes[0]), make([]int, len(nodes))
	for i := range 12 {
		namespace := fmt.Sprint("shop-", i)
		slot, err := admin.ClusterKeySlot(t.Context(), namespace).Result()
		if err != nil {
			t.Fatal(err)
		}
		owner := int(slot) * len(nodes) / 16384
		fleets[owner]++
		for range 5 {
			f, err := fleet.Read(t.Context(), rdb, namespace)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := f.Redis["tcp_port"], portOf(t, nodes[owner]); got != want {
				t.Errorf("%s, slot %d: INFO of the node with port %s, want port %s", namespace, slot, got, want)
			}
		}
	}
	t.Logf("fleets on the nodes: %v", fleets)
}
