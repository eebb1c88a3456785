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
	killed  bool           // the process has ended
	last    outcome.Report // the latest
	stopped time.Duration  // when the replica reported that no further task can start, on the provider's clock
	exited  error          // of a process that was drained
}

// lockedBuffer is a buffer that one goroutine writes and another reads.
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

// startReplica starts a process, and returns it after its report ready.
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
	if _, err := r.await(ctx, "ready"); err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

// await waits for the report of an event and returns it. It returns an error if the process or ctx ends first.
func (r *Replica) await(ctx context.Context, event string) (outcome.Report, error) {
	for {
		select {
		case report, open := <-r.reports:
			if !open {
				_ = r.process.Wait() // after Wait, stderr is complete
				r.killed = true
				return report, fmt.Errorf("replica %s ended before its report %q: %s", r.Name, event, r.stderr.String())
			}
			r.last = report
			if report.Event == event {
				return report, nil
			}
		case <-ctx.Done():
			return outcome.Report{}, fmt.Errorf("replica %s did not report %q: %w", r.Name, event, context.Cause(ctx))
		}
	}
}

// Ask sends a word to the replica, and returns the report that answers it. Package process lists the words.
func (r *Replica) Ask(ctx context.Context, word string) (outcome.Report, error) {
	if _, err := fmt.Fprintln(r.words, word); err != nil {
		return outcome.Report{}, err
	}
	event := "report"
	if word == "rest" {
		event = "resting"
	}
	return r.await(ctx, event)
}

// Signal sends a signal to the process.
func (r *Replica) Signal(s syscall.Signal) error { return r.process.Process.Signal(s) }

// Kill ends the process at once, as a crash does. The judge does not count the tasks of a killed replica.
func (r *Replica) Kill() error {
	if r.killed {
		return nil
	}
	r.killed = true
	if err := r.process.Process.Kill(); err != nil {
		return err
	}
	_ = r.process.Wait() // its error is that the process was killed
	return nil
}

func (r *Replica) kill() { _ = r.Kill() }

// end drains the process by SIGTERM, waits for its last report and for its end, and returns how long both took. Its field last keeps the report.
func (r *Replica) end(ctx context.Context, now func() time.Duration) (took time.Duration, err error) {
	begun := time.Now()
	if err := r.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("replica %s: %w", r.Name, err)
	}
	if _, err := r.await(ctx, "stopped"); err != nil {
		return 0, err
	}
	r.stopped = now()
	_, err = r.await(ctx, "ended")
	for range r.reports { // until the process closes its output
	}
	r.exited = r.process.Wait()
	r.killed = true // the process has ended
	return time.Since(begun), errors.Join(err, r.exited)
}
