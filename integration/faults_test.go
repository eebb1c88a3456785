package integration

import (
	"errors"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/integration/faults"
)

// TestFaults plays the rows with CI set, in their short form. The program integration/matrix plays all rows at full length. Under the race
// detector the test plays one row: the detector does not see the replicas, which are processes of their own.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("the rows take minutes")
	}
	h, err := faults.New(t.Context(), faults.Program{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, r := range faults.Rows() {
		if !r.CI || r.Play == nil || raceDetector && r.Number != 7 {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			p, err := h.Play(t.Context(), r, true)
			if lacking, ok := errors.AsType[*faults.MissingError](err); ok {
				missing(t, "%v", lacking)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Log(p.JSON())
			t.Log(p.Measured())
			if len(p.Failed) > 0 {
				t.Errorf("marks not reached: %s. %s", strings.Join(p.Failed, ", "), p.Output)
			}
		})
	}
}

// TestRowsNameTests: every test that a row names exists. The tests themselves run with their packages.
func TestRowsNameTests(t *testing.T) {
	for _, r := range faults.Rows() {
		if (r.Play == nil) == (r.Test == nil) {
			t.Errorf("row %d has both a fleet and a test, or neither", r.Number)
		}
		if r.Test == nil {
			continue
		}
		run := slices.Index(r.Test, "-run")
		folder := strings.TrimPrefix(r.Test[run+2], "./")
		if folder == "." {
			folder = "integration"
		}
		names := testsIn(t, filepath.Join("..", folder))
		for name := range strings.SplitSeq(strings.Trim(r.Test[run+1], "^()$"), "|") {
			if !names[name] {
				t.Errorf("row %d names %s, which is not in %s", r.Number, name, folder)
			}
		}
	}
}

// testsIn returns the names that are declared in the test files of a folder.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for of := range file.Scope.Objects {
			names[of] = true
		}
	}
	return names
}
