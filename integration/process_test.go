package integration

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// build compiles a command of the project once for a test.
func build(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/"+name)
	cmd.Dir = ".." // the commands are of the library's module
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// process is a running command that has said where it listens.
type process struct {
	cmd  *exec.Cmd
	addr string
	read chan struct{} // closed at the end of its stderr

	reasons chan string // why it is not ready, as its log says
}

// start runs a command that logs JSON lines, and waits until one of them names its address.
func start(t *testing.T, env []string, binary string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(detached(t), binary, args...), read: make(chan struct{}), reasons: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // where stop was not reached
	addr := make(chan string, 1)
	go func() {
		defer close(p.read)
		defer close(addr)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line struct{ Level, Msg, Addr, Reason string }
			if json.Unmarshal(lines.Bytes(), &line) != nil || line.Level == "ERROR" || line.Level == "WARN" {
				t.Logf("%v: %s", args, lines.Text())
			}
			if line.Reason != "" {
				select {
				case p.reasons <- line.Reason:
				default: // nobody reads them
				}
			}
			if line.Addr != "" {
				select {
				case addr <- line.Addr:
				default:
				}
			}
		}
	}()
	p.addr = <-addr
	if p.addr == "" {
		t.Fatalf("%v ended before it listened", args)
	}
	return p
}

// stop asks the process to end and expects that it does so in order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-p.read
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v: %v", p.cmd.Args[1:], err)
	}
}
