package integration

import (
	"bufio"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestStatuses: the commands end with each exit status that the documents list. No error begins with the name of the command twice.
func TestStatuses(t *testing.T) {
	c := buildCommands(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a server that accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	const away = "REDIS_URL=redis://127.0.0.1:1"
	stuck := "http://" + silent.Addr().String()
	for _, row := range []struct {
		situation, binary string
		env, args         []string
		signals           int
		status            int
	}{
		{"done", c.worker, nil, []string{"--version"}, 0, 0},
		{"done", c.inspect, nil, []string{"--help"}, 0, 0},
		{"failed", c.worker, nil, []string{"healthcheck", "http://127.0.0.1:1"}, 0, 1},
		{"failed: no Redis", c.worker, []string{away}, []string{"analyze", "--upstream", stuck, c.playlist}, 0, 1},
		{"a wrong flag", c.worker, nil, []string{"serve", "--burst", "0"}, 0, 2},
		{"a wrong variable", c.inspect, []string{"WEIR_NAMESPACE=a b"}, nil, 0, 2},
		{"a wrong variable of no flag", c.worker, []string{"PORT=abc"}, []string{"serve"}, 0, 2},
		{"no Redis for inspect", c.inspect, []string{away}, nil, 0, 3},
		{"interrupted", c.worker, nil, []string{"analyze", "--upstream", stuck, c.playlist}, 1, 130},
		{"ended in order", c.worker, nil, []string{"serve", "--upstream", stuck, "--addr", "127.0.0.1:0", "--admin", "off", "--grace", "0s"}, 1, 0},
		{"ended at once", c.worker, nil, []string{"serve", "--upstream", stuck, "--addr", "127.0.0.1:0", "--admin", "off", "--grace", "1h"}, 2, 143},
	} {
		cmd := exec.CommandContext(t.Context(), row.binary, row.args...)
		cmd.Env = append(plainEnviron(), row.env...)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sent, last := 0, ""
		if row.signals > 0 && row.args[0] == "analyze" {
			conn, err := silent.Accept() // a call is under way
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = cmd.Process.Signal(syscall.SIGTERM)
			sent++
		}
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			last = lines.Text()
			if sent < row.signals && (sent == 0 && strings.Contains(last, `"msg":"ready"`) || sent == 1 && strings.Contains(last, "ending: ")) {
				_ = cmd.Process.Signal(syscall.SIGTERM)
				sent++
			}
		}
		_ = cmd.Wait() // the status says how it ended
		status := cmd.ProcessState.ExitCode()
		t.Logf("%-28s %d %s", row.situation, status, last)
		if status != row.status || strings.Contains(last, "worker: worker: ") || strings.Contains(last, "inspect: inspect: ") {
			t.Errorf("%s: status %d, last line %q, want status %d and the name of the command once", row.situation, status, last, row.status)
		}
	}
}
