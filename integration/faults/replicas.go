package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// Replica is a process of the fleet.
type Replica struct {
	Name string

	process *exec.Cmd
	words   io.WriteCloser
	reports chan outcome.Report // closed at the end of its output
	stderr  lockedBuffer
	killed  bool
	last    outcome.Report
	stopped time.Duration // when it had started its last task, on the provider's clock
	exited  error
}

// lockedBuffer is a buffer that a process writes and that a failure reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startReplica starts a process and waits until it says that it is ready.
func startReplica(ctx context.Context, binary, name string, env []string, args ...string) (*Replica, error) {
	r := &Replica{Name: name, reports: make(chan outcome.Report, 16)}
	r.process = exec.Command(binary, append([]string{"-name", name}, args...)...) //nolint:noctx // built by the harness; ended by signals
	r.process.Stderr, r.process.Env = &r.stderr, append(os.Environ(), env...)
	out, err := r.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if r.words, err = r.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := r.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.reports)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var report outcome.Report
			if json.Unmarshal(lines.Bytes(), &report) == nil {
				r.reports <- report
			}
		}
	}()
	if _, err := r.hear(ctx, "ready"); err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

// hear waits for a report of an event.
func (r *Replica) hear(ctx context.Context, event string) (outcome.Report, error) {
	for {
		select {
		case report, open := <-r.reports:
			if !open {
				_ = r.process.Wait() // then all that it wrote to stderr is here
				r.killed = true
				return report, fmt.Errorf("replica %s ended before it was %s: %s", r.Name, event, r.stderr.String())
			}
			r.last = report
			if report.Event == event {
				return report, nil
			}
		case <-ctx.Done():
			return outcome.Report{}, fmt.Errorf("replica %s is not %s: %w", r.Name, event, context.Cause(ctx))
		}
	}
}

// Ask sends a word, report, rest or go, and returns the answer.
func (r *Replica) Ask(ctx context.Context, word string) (outcome.Report, error) {
	if _, err := fmt.Fprintln(r.words, word); err != nil {
		return outcome.Report{}, err
	}
	event := "report"
	if word == "rest" {
		event = "resting"
	}
	return r.hear(ctx, event)
}

// Signal sends a signal to the process.
func (r *Replica) Signal(s syscall.Signal) error { return r.process.Process.Signal(s) }

// Kill ends the process at once, as a crash does. Nobody asks for the outcomes of its tasks.
func (r *Replica) Kill() error {
	if r.killed {
		return nil
	}
	r.killed = true
	if err := r.process.Process.Kill(); err != nil {
		return err
	}
	_ = r.process.Wait() // killed
	return nil
}

func (r *Replica) kill() { _ = r.Kill() }

// end asks the process to drain, waits for its last report, and returns how long it took. The report is kept.
func (r *Replica) end(ctx context.Context, now func() time.Duration) (took time.Duration, err error) {
	begun := time.Now()
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("replica %s: %w", r.Name, err)
	}
	if _, err := r.hear(ctx, "stopped"); err != nil {
		return 0, err
	}
	r.stopped = now()
	_, err = r.hear(ctx, "ended")
	for range r.reports { // to its end
	}
	r.exited = r.process.Wait()
	r.killed = true // nothing is left of it
	return time.Since(begun), errors.Join(err, r.exited)
}
