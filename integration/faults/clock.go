package faults

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed shim/clock.c
var shim []byte

// clock moves the wall clock of one redis-server.
type clock struct {
	library, file string
}

// newClock compiles the library that moves the clock, and sets the clock to the right time.
func newClock(ctx context.Context, dir string) (*clock, error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return nil, &MissingError{What: "cc is not on the PATH: install a C compiler"}
	}
	dir, err = os.MkdirTemp(dir, "clock")
	if err != nil {
		return nil, err
	}
	c := &clock{library: filepath.Join(dir, "clock.so"), file: filepath.Join(dir, "offset")}
	source := filepath.Join(dir, "clock.c")
	if err := os.WriteFile(source, shim, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, cc, "-shared", "-fPIC", "-O1", "-o", c.library, source, "-ldl").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc: %w: %s", err, out)
	}
	return c, c.set(0)
}

// env returns the environment of a process that has this clock.
func (c *clock) env() []string { return []string{"LD_PRELOAD=" + c.library, "FAULTS_CLOCK=" + c.file} }

// set moves the clock away from the right time, at once. It writes the file in place, because the process has mapped it into memory.
func (c *clock) set(by time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(binary.NativeEndian.AppendUint64(nil, uint64(int64(by/time.Second)))) //nolint:gosec // the bits of a number below 0
	return err
}

// clockRows returns the rows in which Redis' clock steps.
func clockRows() []Row {
	const hour = time.Hour
	step := func(name, fault string, by time.Duration, marks ...Mark) Row {
		return Row{
			Number: 22, Name: name, Fault: fault, Config: Config{Clock: true}, Marks: append(marks, noneFailed()),
			Play: func(ctx context.Context, w *World) error {
				w.Fault()
				if err := w.clock.set(by); err != nil {
					return err
				}
				if err := w.Busy(ctx, 8); err != nil {
					return err
				}
				w.to, w.until = w.Provider.Now(), w.Provider.Now()
				return nil
			},
		}
	}
	// A step forward adds at most one burst and the tokens of one horizon. A step back delays no call by more than the horizon and a second.
	forward, back := excessAtMost(4+34*0.25), silenceAtMost(1250*time.Millisecond)
	return []Row{
		step("clock forward", "Redis' clock steps forward by 1 h", hour, forward),
		step("clock back", "Redis' clock steps back by 1 h", -hour, law(), back),
		step("clock back a little", "Redis' clock steps back by 2 s", -2*time.Second, law(), back),
		step("clock back a day", "Redis' clock steps back by 24 h", -24*hour, law(), back),
	}
}
