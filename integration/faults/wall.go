package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// stepAfter is the time from the start of a process until its wall clock steps.
const stepAfter = 15 * time.Second

// wallSource is a further file of the package time. Its wallStep returns the seconds by which the wall clock has stepped, for a process that has
// run for so many nanoseconds.
const wallSource = `package time

import "syscall"

var wallBy, wallAfter = wallFrom("FAULTS_WALL_BY"), wallFrom("FAULTS_WALL_AFTER")

func wallFrom(name string) int64 {
	text, _ := syscall.Getenv(name)
	n, err := atoi(text)
	if err != nil {
		return 0
	}
	return int64(n)
}

func wallStep(ran int64) int64 {
	if ran < wallAfter*int64(Second) {
		return 0
	}
	return wallBy
}
`

// buildStepping builds a replica's program whose wall clock steps as its environment says. The monotonic clock does not step. A preloaded library,
// as for redis-server, has no effect on a Go program, because Go asks the kernel directly. Therefore go build -overlay changes the package time.
func buildStepping(ctx context.Context, program, dir, binary string) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	folder := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(folder, "time.go")) //nolint:gosec // of the toolchain
	if err != nil {
		return err
	}
	const read = "\tmono -= startNano\n\tsec += unixToInternal - minWall\n"
	if bytes.Count(source, []byte(read)) != 1 {
		return &MissingError{What: "this version of Go reads the wall clock in another way: adapt buildStepping to Now in time/time.go"}
	}
	source = bytes.Replace(source, []byte(read), []byte("\tmono -= startNano\n\tsec += unixToInternal - minWall + wallStep(mono)\n"), 1)
	replace := map[string]string{}
	for name, text := range map[string][]byte{"time.go": source, "wallstep.go": []byte(wallSource)} {
		at := filepath.Join(dir, name+".txt")
		if err := os.WriteFile(at, text, 0o600); err != nil {
			return err
		}
		replace[filepath.Join(folder, name)] = at
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, program) //nolint:gosec // named by the caller
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build -overlay: %w: %s", err, out)
	}
	return nil
}

// wallRows returns the rows in which the wall clocks of replicas step.
func wallRows() []Row {
	return []Row{{
		Number: 23, Name: "clocks of replicas", Fault: "the wall clocks of two of four replicas step forward by 1 h, those of the others back by 1 h",
		Config: Config{Wall: time.Hour},
		Marks:  []Mark{law(), noneFailed(), usedAtLeast(0.97), atMost(gapsGrew, 50), atLeast(stepped, 4)},
		Play: func(ctx context.Context, w *World) error {
			span := stepAfter - 3*time.Second // all replicas have started within 3 s
			if err := w.Measure(ctx, span); err != nil {
				return err
			}
			before := w.Provider.Log().Between(w.from, w.to).Gap(0.99)
			w.Fault()
			if err := w.Measure(ctx, span); err != nil {
				return err
			}
			w.until = w.to
			w.Note(gapsGrew, float64((w.Provider.Log().Between(w.from, w.to).Gap(0.99) - before).Milliseconds()))
			n, err := w.sum(ctx, func(r outcome.Report) float64 {
				if math.Abs(r.SteppedS-w.Wall.Seconds()) < 60 || math.Abs(r.SteppedS+w.Wall.Seconds()) < 60 {
					return 1
				}
				return 0
			})
			w.Note(stepped, n)
			return err
		},
	}}
}

const (
	gapsGrew = "ms by which 99 % of the gaps between calls grew"
	stepped  = "replicas whose clock had stepped"
)
