//go:build linux

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// asCommand is the variable that makes the test binary run as the command.
const asCommand = "WEIR_TEST_AS_INSPECT"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// session is the command on a terminal of its own.
type session struct {
	t       *testing.T
	cmd     *exec.Cmd
	term    *os.File // the side of the person
	other   *os.File // the side of the command
	before  unix.Termios
	written chan []byte
	all     bytes.Buffer
	columns uint16
}

// startSession starts the command on a new terminal.
func startSession(t *testing.T, env []string, args ...string) *session {
	t.Helper()
	s := &session{t: t, written: make(chan []byte, 1000)}
	var err error
	if s.term, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI is set, so this must run: this machine has no pseudo terminals: %v", err)
		}
		t.Skipf("this machine has no pseudo terminals: %v", err)
	}
	n, err := unix.IoctlGetInt(int(s.term.Fd()), unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(int(s.term.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	if s.other, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	s.before = s.termios()
	s.resize(100)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.CommandContext(t.Context(), self, args...)
	s.cmd.Env = append(append(os.Environ(), asCommand+"=1", "TERM=xterm-256color", "NO_COLOR="), env...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.other, s.other, s.other
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			text := make([]byte, 1<<14)
			n, err := s.term.Read(text)
			if err != nil {
				return
			}
			s.written <- text[:n]
		}
	}()
	t.Cleanup(func() {
		_ = s.other.Close()
		_ = s.term.Close()
	})
	return s
}

func (s *session) termios() unix.Termios {
	v, err := unix.IoctlGetTermios(int(s.other.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *v
}

// resize changes the width of the terminal, as a window does. The kernel signals the command.
func (s *session) resize(columns uint16) {
	s.columns = columns
	if err := unix.IoctlSetWinsize(int(s.term.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 30}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) press(keys string) {
	if _, err := s.term.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// see waits for a frame that has each text, or lacks it if an exclamation mark precedes it. Before each look see changes the width by a column, so
// that the command draws the whole frame: otherwise it draws only the changes. Spaces are ignored, because the command moves the cursor over some.
func (s *session) see(wants ...string) {
	s.t.Helper()
	var frame string
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		begin := s.all.Len()
		s.resize(s.columns ^ 1)
		s.readUntilQuiet()
		frame = strings.ReplaceAll(ansi.Strip(s.all.String()[begin:]), " ", "")
		fits := true
		for _, want := range wants {
			no, inverse := strings.CutPrefix(want, "!")
			fits = fits && strings.Contains(frame, strings.ReplaceAll(no, " ", "")) != inverse
		}
		if fits {
			return
		}
	}
	s.t.Fatalf("no frame matches %q. The last one:\n%s", wants, frame)
}

// readUntilQuiet reads until the command has written nothing for 150 ms.
func (s *session) readUntilQuiet() {
	for {
		select {
		case text := <-s.written:
			s.all.Write(text)
		case <-time.After(150 * time.Millisecond):
			return
		}
	}
}

// end waits until the command ends and returns its exit status. It fails the test if the command has not restored the terminal.
func (s *session) end() int {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	for {
		select {
		case text := <-s.written:
			s.all.Write(text)
		case <-time.After(20 * time.Second):
			s.t.Fatal("the command does not end")
		case err := <-done:
			if after := s.termios(); after != s.before {
				s.t.Errorf("the terminal is not restored: %+v, was %+v", after, s.before)
			}
			s.readUntilQuiet()
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				return exit.ExitCode()
			}
			return 0
		}
	}
}

// TestSession plays a session of an operator: keys, windows of several widths, a lost replica, a Redis that stops and comes back.
func TestSession(t *testing.T) {
	m := serve(t)
	s := startSession(t, nil, "--watch", "200ms", "--stale", "5s")
	s.see("shop", "1 up", "[1 Fleet]", "global", "waiting", "0123456789", "every 200ms", "!STALE")

	s.press("3")
	s.see("[3 Replicas]", "crawler", "!BURST")
	s.press("2j\r")
	s.see("[2 Buckets]", "BUCKET spotify", "could start at once", "USED/s AGAINST THE BUDGET")
	s.press("?")
	s.see("KEYS", "faults only")

	s.press("\x1b")
	s.see("!KEYS", "BUCKET spotify") // escape and 3 without a pause are alt-3
	s.press("3")
	s.resize(60)
	s.see("[3 Rep]", "0123456789", "!IN FLIGHT")
	s.resize(30)
	s.see("terminal too small")
	s.resize(120)
	s.see("[3 Replicas]")

	m.SetTime(time.Now().Add(20 * time.Second))
	s.see("1 LOST", "> 0123456789  LOST")

	m.Close()
	s.see("STALE", "does not answer", "> 0123456789  LOST", "!hunter2")
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	s.see("!STALE", "!does not answer", "1 LOST")
	s.press("6")
	s.see("LOST: silent for", "GONE: redis at", "answers again, after")

	s.press("q")
	if status := s.end(); status != cli.OK || !strings.Contains(s.all.String(), ansi.ResetModeAltScreenSaveCursor) {
		t.Errorf("status %d: %q", status, s.all.String()[max(0, s.all.Len()-200):])
	}
	if !coloured.MatchString(s.all.String()) {
		t.Error("no colours on a terminal that has colours")
	}
}

var coloured = regexp.MustCompile("\x1b\\[[0-9;]*(3[0-7]|38[;:]|4[0-7]|9[0-7])[0-9;:]*m")

// TestSessionIsInterrupted checks that an interrupt, by key and by signal, ends the live view and restores the terminal, and that NO_COLOR switches
// colours off.
func TestSessionIsInterrupted(t *testing.T) {
	serve(t)
	for name, interrupt := range map[string]func(*session){
		"key":    func(s *session) { s.press("\x03") },
		"signal": func(s *session) { _ = s.cmd.Process.Signal(os.Interrupt) },
	} {
		s := startSession(t, []string{"NO_COLOR=1"})
		s.see("1 up", "global")
		interrupt(s)
		if status := s.end(); status != cli.Interrupted {
			t.Errorf("%s: status %d", name, status)
		}
		if c := coloured.FindString(s.all.String()); c != "" {
			t.Errorf("%s: %q although NO_COLOR is set", name, c)
		}
	}
}

// TestSessionWithoutRedis checks that the live view starts without Redis and ends by its key, and that the command prints a table if the terminal is
// dumb or with --once.
func TestSessionWithoutRedis(t *testing.T) {
	t.Setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:1")
	s := startSession(t, nil)
	s.see("NO DATA", "redis at 127.0.0.1:1 does not answer", "!hunter2")
	s.press("q")
	if status := s.end(); status != cli.OK {
		t.Error(status)
	}
	serve(t)
	for _, env := range []string{"TERM=dumb", ""} { // "" is --once
		args := []string{"--once"}
		if env != "" {
			args = nil
		}
		s := startSession(t, []string{cmp.Or(env, "LANG=C")}, args...)
		if status := s.end(); status != cli.OK || strings.Contains(s.all.String(), "\x1b") || !strings.Contains(s.all.String(), "BUCKET") {
			t.Errorf("%q: status %d: %q", env, status, s.all.String())
		}
	}
}
