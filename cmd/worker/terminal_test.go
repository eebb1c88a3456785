//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// terminal is a pseudo-terminal and the text that was written to it.
type terminal struct {
	keys, screen *os.File // the two ends

	mu      sync.Mutex
	written bytes.Buffer
}

func openTerminal(t *testing.T, width, rows int) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatalf("CI is set, so this must run: no pseudo-terminal: %v", err)
	case err != nil:
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(keys.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(width)})
	}
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	e := &terminal{keys: keys, screen: screen}
	go func() { // until the ends are closed
		chunk := make([]byte, 4096)
		for {
			n, err := keys.Read(chunk)
			e.mu.Lock()
			e.written.Write(chunk[:n])
			e.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return e
}

func (e *terminal) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written.String()
}

// until waits until the terminal shows a text.
func (e *terminal) until(t *testing.T, text string) {
	t.Helper()
	again, limit := time.NewTicker(20*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for !strings.Contains(e.text(), text) {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%q is not shown after a minute:\n%q", text, e.text())
		}
	}
}

// start runs the command at the terminal.
func (e *terminal) start(t *testing.T, env string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(build(t), append([]string{"demo"}, args...)...) //nolint:noctx // the test ends it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.screen, e.screen, e.screen
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "WEIR_") || strings.HasPrefix(v, "OTEL_") || strings.HasPrefix(v, "REDIS_") || strings.HasPrefix(v, "NO_COLOR") || strings.HasPrefix(v, "TERM=")
	}), env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // if the test fails before the process has ended
	return cmd
}

const (
	enterScreen, leaveScreen = "\x1b[?1049h", "\x1b[?1049l"
	hideCursor, showCursor   = "\x1b[?25l", "\x1b[?25h"
)

// TestTerminalInterrupted checks that the live view uses the alternate screen. Ctrl+C restores the terminal, the last lines are the verdict, and the
// status is 130.
func TestTerminalInterrupted(t *testing.T) {
	e := openTerminal(t, 80, 24)
	cmd := e.start(t, "TERM=xterm-256color", "--replicas", "3")
	e.until(t, "replica 3")
	if text := e.text(); !strings.Contains(text, enterScreen) || strings.Contains(text, leaveScreen) {
		t.Errorf("the view does not use the alternate screen: %q", text)
	}
	if _, err := e.keys.Write([]byte{3}); err != nil { // ctrl+c
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != cli.Interrupted {
		t.Errorf("status %d", got)
	}
	e.until(t, "worker: interrupted")
	text := e.text()
	left := strings.LastIndex(text, leaveScreen)
	if left < 0 || strings.LastIndex(text, hideCursor) > strings.LastIndex(text, showCursor) {
		t.Fatalf("the terminal is not restored: %q", text)
	}
	if !strings.Contains(text[left:], "Interrupted: 3 replicas made ") {
		t.Errorf("no verdict: %q", text[left:])
	}
}

// TestDumbTerminal checks the output on a dumb terminal: lines without escape sequences, of at most 80 columns, and the verdict.
func TestDumbTerminal(t *testing.T) {
	e := openTerminal(t, 132, 24)
	cmd := e.start(t, "TERM=dumb", "--replicas", "1", "--tracks", "10", "--rate", "15", "--burst", "5")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	e.until(t, "no result was lost")
	text := strings.ReplaceAll(e.text(), "\r\n", "\n") // the terminal adds \r
	wantPlain(t, text)
	if !strings.Contains(text, "calls, 0 refused; 1 replica runs\n") {
		t.Errorf("no line about the progress:\n%s", text)
	}
}
