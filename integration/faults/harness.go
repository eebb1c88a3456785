package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Harness plays rows. It builds the program of a replica once.
type Harness struct {
	// Former is the commit, tag or branch that rows with two versions play as the former version. If it is empty, the rows choose one.
	Former string

	program     Program
	dir, binary string
	root        string // folder of the repository, which has the module of the library

	building sync.Mutex
	built    map[string]former // by commit; guarded by building

	stepping sync.Mutex
	stepper  string // the same program with a wall clock that steps; empty until a row needs it
}

// New builds the program of a replica. [Harness.Close] removes it. New also disables the log of all Redis clients of this process, because they
// would log an error for each server that a row kills.
func New(ctx context.Context, p Program) (*Harness, error) {
	redis.SetLogger(noLog{})
	dir, err := os.MkdirTemp("", "weir-faults")
	if err != nil {
		return nil, err
	}
	h := &Harness{program: p, dir: dir, binary: filepath.Join(dir, "replica"), built: map[string]former{}}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", h.binary, p.path()) //nolint:gosec // named by the caller
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("go build: %w: %s", err, out), h.Close())
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/weir-go/weir").Output()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("go list -m: %w", err), h.Close())
	}
	h.root = string(bytes.TrimSpace(root))
	return h, nil
}

// withSteps returns the path of a replica's program whose wall clock steps. It builds the program for the first row that needs it.
func (h *Harness) withSteps(ctx context.Context) (string, error) {
	h.stepping.Lock()
	defer h.stepping.Unlock()
	if h.stepper == "" {
		binary := filepath.Join(h.dir, "stepper")
		if err := buildStepping(ctx, h.program.path(), h.dir, binary); err != nil {
			return "", err
		}
		h.stepper = binary
	}
	return h.stepper, nil
}

// noLog is a logger of go-redis that drops every message.
type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// Close removes the built programs and the files of the servers.
func (h *Harness) Close() error { return os.RemoveAll(h.dir) }

// longest is the time after which Play stops a row with an error.
const longest = 5 * time.Minute

// Play plays a row, in its short form or at full length, and judges it. An error means that the row could not be played, so that there are no
// figures. A [MissingError] names what the machine lacks.
func (h *Harness) Play(ctx context.Context, r Row, short bool) (*Played, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	begun := time.Now()
	play := h.playTest
	if r.Play != nil {
		play = h.playFleet
	}
	p, err := play(ctx, r, short)
	if err != nil {
		return nil, fmt.Errorf("row %d: %w", r.Number, err)
	}
	p.Took = time.Since(begun)
	for _, m := range r.all() {
		if !m.Holds(p) {
			p.Failed = append(p.Failed, m.Bound)
		}
	}
	return p, nil
}

func (h *Harness) playFleet(ctx context.Context, r Row, short bool) (*Played, error) {
	w, err := startWorld(ctx, h, r.Config, short)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := r.Play(ctx, w); err != nil {
		return nil, err
	}
	if err := w.end(ctx); err != nil {
		return nil, err
	}
	return w.judge(r), nil
}

// playTest runs the test that a row names.
func (h *Harness) playTest(ctx context.Context, r Row, _ bool) (*Played, error) {
	p := &Played{Row: r, Line: Line{Row: r.Number, Fault: r.Fault}}
	cmd := exec.CommandContext(ctx, r.Test[0], r.Test[1:]...)
	cmd.Dir = h.root
	cmd.Env = append(os.Environ(), "WEIR_ROWS=all") // all rows of a long table, not a sample
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("no tests to run")) {
		p.Output = fmt.Sprintf("%v\n%s", err, out)
	}
	return p, nil
}

// rounded rounds v to a multiple of 1/parts.
func rounded(v, parts float64) *float64 {
	v = math.Round(v*parts)/parts + 0 // never -0
	return &v
}
