package docs

import (
	"encoding/json"
	"errors"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// withoutExample are packages of the main module that need no example, and why. Programs and internal packages need none either.
var withoutExample = map[string]string{
	"lua":              "the scripts of the limiter: users call package limiter",
	"worker/analysis":  "the analysis of this project's own worker",
	"worker/providers": "the clients of this project's own worker; the examples of package worker use them",
	"cmd/...":          "programs, and what belongs to them",
	"docs":             "tests of the documents",
}

// fewest is the smallest number of examples with an output in the main module.
const fewest = 60

// TestExamples: each package that a user links has an example, and each example has an output, which go test compares. An
// example without an output is compiled but never run, so it may be wrong.
func TestExamples(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,TestGoFiles,XTestGoFiles", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	total, exempted := 0, map[string]bool{}
	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir, Name     string
			TestGoFiles, XTestGoFiles []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, name := range append(p.TestGoFiles, p.XTestGoFiles...) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range doc.Examples(file) {
				n++
				if e.Output == "" && !e.EmptyOutput {
					t.Errorf("%s: Example%s in %s has no // Output:, so go test does not run it", p.ImportPath, e.Name, name)
				}
				if e.Doc == "" {
					t.Errorf("%s: Example%s in %s has no comment that says which question it answers", p.ImportPath, e.Name, name)
				}
			}
		}
		total += n
		here := strings.TrimPrefix(p.ImportPath, module+"/")
		name, exempt := exemption(here)
		switch {
		case exempt:
			exempted[name] = true
		case n == 0 && p.Name != "main" && !strings.Contains("/"+here+"/", "/internal/"):
			t.Errorf("%s has no Example function: give it one, or say in withoutExample why no user needs it", p.ImportPath)
		}
	}
	for name, why := range withoutExample {
		if !exempted[name] {
			t.Errorf("withoutExample names %s (%q), which is no package", name, why)
		}
	}
	t.Logf("%d examples with an output", total)
	if total < fewest {
		t.Errorf("%d examples, want %d or more", total, fewest)
	}
}

// exemption returns the name in withoutExample that matches a package.
func exemption(here string) (name string, found bool) {
	for name := range withoutExample {
		if matches(here, name) {
			return name, true
		}
	}
	return "", false
}
