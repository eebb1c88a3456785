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

// Harness plays rows. Its program of a replica is built once.
type Harness struct {
	// Former is the commit, or its name, of the former version that rows with two versions play; where it is empty they choose one.
	Former string

	program     Program
	dir, binary string
	root        string // of the repository, where the module of the library is

	building sync.Mutex
	built    map[string]former // by commit; guarded by building

	stepping sync.Mutex
	stepper  string // the same program with a wall clock that steps; built when a row needs it
}

// New builds the program of a replica. [Harness.Close] removes it. From then on the Redis clients of this process log nothing: they would
// say of each server that a row kills that it does not answer.
func New(ctx context.Context, p Program) (*Harness, error) {
	redis.SetLogger(silence{})
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

// withSteps is the program of a replica whose wall clock steps.
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

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Close removes what the harness has built and what servers have written.
func (h *Harness) Close() error { return os.RemoveAll(h.dir) }

// longest is the time after which a row is given up.
const longest = 5 * time.Minute

// Play plays a row, in its short form or at length, and judges it. An error says that the row could not be played: what was measured
// then says nothing. A [MissingError] names what the machine lacks.
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
	cmd.Env = append(os.Environ(), "WEIR_ROWS=all") // at length
	out, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("no tests to run")) {
		p.Output = fmt.Sprintf("%v\n%s", err, out)
	}
	return p, nil
}

// rounded keeps so many parts of one.
func rounded(v, parts float64) *float64 {
	v = math.Round(v*parts)/parts + 0 // never -0
	return &v
}
