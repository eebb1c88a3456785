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

// build compiles a command of the project and returns the path of the program.
func build(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/"+name)
	cmd.Dir = ".." // the commands belong to the module of the library
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// process is a running command that has logged its address.
type process struct {
	cmd  *exec.Cmd
	addr string
	read chan struct{} // closed at the end of its stderr

	reasons chan string // the reasons in its log, such as why it is not ready
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
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // for a test that ends before it calls stop
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
				default: // the buffer is full: the test does not read the reasons
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
		t.Fatalf("%v ended before it logged an address", args)
	}
	return p
}

// stop sends SIGTERM to the process, and expects that it ends with status 0.
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
