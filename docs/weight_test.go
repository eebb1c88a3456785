package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// most are bounds for a program that imports only limiter. decisions.md has the figures, and a reason for each.
var most = struct{ bytes, modules, sums, graph int }{bytes: 9_500_000, modules: 14, sums: 52, graph: 110}

// TestWeight builds the smallest program that imports limiter, and counts its bytes and modules.
func TestWeight(t *testing.T) {
	dir := t.TempDir()
	user(t, dir, map[string]string{"main.go": `package main

import (
	"context"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
)

func main() {
	ctx := context.Background()
	l, err := limiter.New(ctx, redis.NewClient(&redis.Options{}), limiter.SingleBucket("api", limiter.PerSecond(40, 40)))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(l.Wait(ctx, "api"))
}
`})
	binary := filepath.Join(dir, "user")
	runGo(t, dir, "build", "-ldflags=-s -w", "-o", binary, ".")
	stat, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	is := most
	is.bytes = int(stat.Size())
	is.modules = strings.Count(runGo(t, dir, "version", "-m", binary), "\n\tdep\t")
	is.sums = bytes.Count(sums, []byte("\n"))
	is.graph = strings.Count(runGo(t, dir, "list", "-m", "all"), "\n")
	t.Logf("%.1f MB, %d modules linked, %d lines of go.sum, %d modules in go list -m all", float64(is.bytes)/1e6, is.modules, is.sums, is.graph)
	if is.bytes > most.bytes || is.modules > most.modules || is.sums > most.sums || is.graph > most.graph {
		t.Errorf("more than %+v: remove what is new, or raise the bound and give the reason in decisions.md", most)
	}
}

// user writes the files of a program beside a clone, as a reader does.
func user(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	files["go.mod"] = "module example.test/user\n\ngo 1.26.0\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runGo(t, dir, "mod", "edit", "-require", module+"@v0.0.0", "-replace", module+"="+root)
	runGo(t, dir, "mod", "tidy")
}

// runGo runs the go command in a folder and returns what it prints.
func runGo(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
