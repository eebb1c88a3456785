package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsOnACluster: worker and inspect work with a Redis Cluster of three nodes, whichever of its nodes REDIS_URL names.
func TestCommandsOnACluster(t *testing.T) {
	nodes := startCluster(t)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/worker", "./cmd/inspect")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const noReplica = 5 // the status of inspect once the fleet of the demo has ended
	for _, tc := range []struct {
		command, url string
		args         []string
		status       int
		says         string
	}{
		{"worker", strings.Join(nodes, ","), []string{"demo", "--json", "--replicas", "2", "--tracks", "2"}, 0, `"replicas"`},
		{"inspect", nodes[0], []string{"--once"}, noReplica, "global"},
		{"inspect", nodes[1], []string{"--json"}, noReplica, `"global"`},
		{"inspect", nodes[2], []string{"why", "global"}, 0, "global"},
		{"inspect", nodes[2], []string{"pause", "global", "--write", "--yes"}, 0, "global"},
		{"inspect", nodes[0], []string{"events"}, 0, "pause"},
	} {
		c := exec.CommandContext(t.Context(), filepath.Join(bin, tc.command), tc.args...) //nolint:gosec // built here
		c.Env = append(os.Environ(), "REDIS_URL=redis+cluster://"+tc.url)
		out, err := c.CombinedOutput()
		t.Logf("%s %s at %s: %v\n%s", tc.command, strings.Join(tc.args, " "), tc.url, err, out)
		if text := string(out); c.ProcessState.ExitCode() != tc.status || !strings.Contains(text, tc.says) {
			t.Errorf("%s %v: %v, want status %d and the text %q", tc.command, tc.args, err, tc.status, tc.says)
		}
	}
}
