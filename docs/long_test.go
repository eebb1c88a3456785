//go:build unix

package docs

import (
	"bytes"
	"context"
	"flag"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var full = flag.Bool("full", false, "run the long commands of the documents until they have begun to work")

// watched is output that calls found when it matches for the first time.
type watched struct {
	match *regexp.Regexp
	found func()

	mu  sync.Mutex
	out bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(p)
	if w.match.Match(w.out.Bytes()) {
		w.found()
	}
	return len(p), nil
}

// TestLongCommandsBegin runs each long command of the documents until its output shows that it works, and then ends it. With -args -full, a few
// minutes.
func TestLongCommandsBegin(t *testing.T) {
	if !*full {
		t.Skip("takes minutes: -args -full")
	}
	var begun []string
	for _, name := range append(written(t), "faults.md", "peers-under-faults.md", "fleet-on-paper.md") {
		for _, c := range commands(t, name) {
			if runsElsewhere(t, c) || slices.Contains(begun, c.dir+c.text) {
				continue
			}
			for _, l := range long {
				if !regexp.MustCompile(l.command).MatchString(c.text) {
					continue
				}
				begun = append(begun, c.dir+c.text)
				t.Run(c.at+" "+c.text, func(t *testing.T) { begins(t, c, l.begun) })
			}
		}
	}
	if len(begun) < 8 {
		t.Errorf("only %d long commands were found", len(begun))
	}
}

// begins runs a command until its output matches.
func begins(t *testing.T, c command, match string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	worked, end := context.WithCancel(ctx)
	defer end()
	dir := c.dir
	if strings.Contains(c.text, "-C ") { // from the root of the repository
		dir = ".."
	}
	out := &watched{match: regexp.MustCompile(match), found: end}
	cmd := exec.CommandContext(ctx, "sh", "-c", "cd "+dir+" && "+strings.ReplaceAll(c.text, ">bench.json", ">/dev/null")) //nolint:gosec // of a document of this repository
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, 10*time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	select {
	case <-ended:
	case <-worked.Done():
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	<-ended
	out.mu.Lock()
	defer out.mu.Unlock()
	if !out.match.Match(out.out.Bytes()) {
		t.Errorf("%s does not print %q:\n%s", c.text, match, out.out.String())
	}
}
