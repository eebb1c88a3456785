package limitertest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Server starts the redis-server that is on the PATH, on a socket of its own and without persistence, and returns a
// client. Both end with the test. If there is no redis-server, the test is skipped with a message; with CI set it
// fails.
func Server(tb testing.TB) *redis.Client {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		const missing = "redis-server is not on the PATH: install the package redis-server to run this test"
		if os.Getenv("CI") != "" {
			tb.Fatal(missing)
		}
		tb.Skip(missing)
	}
	dir, err := os.MkdirTemp("", "weir") //nolint:usetesting // a test's own directory is too long a path for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis")
	server := exec.CommandContext(tb.Context(), path, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	out, err := server.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := server.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = server.Wait() }) // the end of the test's context has killed it
	lines := bufio.NewScanner(out)
	ready := false
	for !ready && lines.Scan() {
		ready = strings.Contains(strings.ToLower(lines.Text()), "ready to accept connections")
	}
	if !ready {
		tb.Fatalf("redis-server ended before it was ready: %v", lines.Err())
	}
	rdb := redis.NewClient(&redis.Options{
		Network: "unix", Addr: socket, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}
