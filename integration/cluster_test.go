package integration

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-go/weir/worker/fleet"
)

// TestDocumentedUsersOnACluster: on a Redis Cluster of three nodes the user of the worker has enough permissions, and the user of inspect can
// read the fleet. The client of a cluster needs two further commands, which docs/operations.md names.
func TestDocumentedUsersOnACluster(t *testing.T) {
	nodes := startCluster(t)
	more := []string{"cluster|slots", "command"}
	document, err := os.ReadFile("../docs/operations.md")
	if words := "`+" + strings.Join(more, " +") + "`"; err != nil || !strings.Contains(string(document), words) {
		t.Errorf("docs/operations.md does not name %s for clients of a cluster: %v", words, err)
	}
	w, i := documentedUser(t, "weir-worker"), documentedUser(t, "weir-inspect")
	w.commands, i.commands = append(w.commands, more...), append(i.commands, more...)
	for _, address := range nodes {
		admin := node(t, address)
		w.create(t, admin)
		i.create(t, admin)
	}
	as := func(u user) *redis.ClusterClient {
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: nodes, Username: u.name, Password: u.password, ContextTimeoutEnabled: true, DialerRetries: 1,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		})
		t.Cleanup(func() { _ = rdb.Close() })
		return rdb
	}
	if err := useClient(t, as(w), as(user{})); err != nil {
		t.Errorf("the limiter as %s: %v", w.name, err)
	}
	f, err := fleet.Read(t.Context(), as(i), "weir")
	if err != nil || len(f.Replicas) != 1 {
		t.Errorf("reading the fleet as %s: %v, error %v, want one replica", i.name, f, err)
	}
	for _, address := range nodes {
		refusals, err := node(t, address).Do(t.Context(), "acl", "log").Slice()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range refusals {
			if text := fmt.Sprint(r); !strings.Contains(text, "client|setinfo") {
				t.Errorf("Redis denied a command: %s", text)
			}
		}
	}
}

// startCluster starts a Redis Cluster of three nodes without replicas, and returns their addresses.
func startCluster(t *testing.T) []string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "redis-server is not on the PATH: install the package redis-server to run this test")
	}
	nodes := make([]string, 3)
	var first []string // of the first node: its port, and the port of its cluster bus
	for n := range nodes {
		port, bus := freePort(t), freePort(t)
		nodes[n] = net.JoinHostPort("127.0.0.1", port)
		server := exec.CommandContext(t.Context(), path, "--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", //nolint:gosec // from the PATH
			"--cluster-port", bus, "--save", "", "--dir", t.TempDir())
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Wait() }) // the end of the test's context has killed it
		admin := node(t, nodes[n])
		until(t, nodes[n]+" answers", func(ctx context.Context) bool { return admin.Ping(ctx).Err() == nil })
		const slots = 16384
		if err := admin.ClusterAddSlotsRange(t.Context(), n*slots/3, (n+1)*slots/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = []string{port, bus}
		} else if err := admin.Do(t.Context(), "cluster", "meet", "127.0.0.1", first[0], first[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range nodes {
		admin := node(t, address)
		until(t, address+" knows all slots", func(ctx context.Context) bool {
			known, err := admin.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(known, "cluster_state:ok") && strings.Contains(known, "cluster_known_nodes:3")
		})
	}
	return nodes
}

// node returns an administrator's client of one server.
func node(t *testing.T, address string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: address, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// freePort returns a port to which nothing listens now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// until waits until a condition holds. It ends the test after 30 s.
func until(t *testing.T, what string, holds func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds(ctx) {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("after 30 s, this does not hold: %s", what)
		}
	}
}
