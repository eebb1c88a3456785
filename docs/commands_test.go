package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommandsOfTheReadmeMatchTests: each -run of a document, copied as it is written there, names a test that there is.
func TestCommandsOfTheReadmeMatchTests(t *testing.T) {
	var names []string
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w+)`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, name[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range []string{"../README.md", "../CHANGELOG.md", "pictures/README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range regexp.MustCompile(`-run '?([^' ]+)'?`).FindAllStringSubmatch(string(text), -1) {
			seen++
			for part := range strings.SplitSeq(run[1], "|") {
				expression, err := regexp.Compile(part)
				if err != nil || !slices.ContainsFunc(names, expression.MatchString) {
					t.Errorf("%s: -run %s: %q matches no test (%v)", file, run[1], part, err)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d commands", seen)
	}
}
