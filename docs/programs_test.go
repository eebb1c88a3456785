package docs

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	// The programs of the documents use these packages. Without the imports go test would keep a cached result when they change.
	_ "github.com/weir-go/weir/limiter"
	_ "github.com/weir-go/weir/orchestrator"
)

// TestProgramsOfDocumentsCompile vets every program of the README and of docs/*.md as a user would write it: each is a package of
// a module beside a clone. It parses fragments.
func TestProgramsOfDocumentsCompile(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir, programs := t.TempDir(), map[string]block{}
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	texts := documents(t)
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		for _, b := range blocksOf(file, texts[file]) {
			kind, err := b.kind()
			t.Logf("%-24s %s", b, kind)
			if err != nil {
				t.Errorf("%s: %v", b, err)
				continue
			}
			name := map[string]string{"program": "main.go", "test": "block_test.go"}[kind]
			if name == "" {
				continue
			}
			name = fmt.Sprintf("block%03d/%s", len(programs), name)
			programs[name] = b
			// The line directive makes messages name the document and the line in it.
			write(name, fmt.Sprintf("//line %s:%d\n%s", filepath.Join(root, b.file), b.line, b.code))
		}
	}
	if len(programs) == 0 {
		t.Fatal("no document has a program")
	}
	write("go.mod", goMod(t, root))
	write("go.sum", read(t, "../go.sum")+read(t, "../bench/go.sum"))
	run := func(args ...string) error {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	for _, other := range peers {
		if err := run("mod", "download", other); err != nil && os.Getenv("CI") == "" {
			t.Skipf("the programs are not compiled: they import %s, which this machine does not have and cannot download: %v", other, err)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "./..."}} {
		if err := run(args...); err != nil {
			t.Fatal(err)
		}
	}
}

// peers are limiters that users replace by weir. bench measures them, and no other module of the project requires them.
var peers = []string{"github.com/go-redis/redis_rate/v10", "golang.org/x/time"}

// goMod returns the go.mod of a user: the library from a clone, and the peers in the versions of bench.
func goMod(t *testing.T, root string) string {
	t.Helper()
	text := "module example.test/user\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	for _, other := range peers {
		version := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(other) + ` (v\S+)$`).FindStringSubmatch(read(t, "../bench/go.mod"))
		if version == nil {
			t.Fatalf("bench/go.mod does not require %s", other)
		}
		text += "\nrequire " + other + " " + version[1] + "\n"
	}
	return text
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
