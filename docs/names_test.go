package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tests are the names of tests by the folder of their package. Folders are relative to the root.
type tests map[string][]string

func testNames(t *testing.T) tests {
	t.Helper()
	found, function := tests{}, regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		folder := strings.TrimPrefix(filepath.Dir(path), "../")
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			found[folder] = append(found[folder], m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// has returns an error unless each alternative of -run matches a test of each package that the command names.
func (all tests) has(line string) error {
	line, _, _ = strings.Cut(line, " -args")
	words := words(line)
	root, expression, packages := ".", ".", []string{}
	for i := slices.Index(words, "go") + 1; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-C":
			i++
			root = words[i]
		case w == "-run":
			i++
			expression = words[i]
		case strings.HasPrefix(w, "-") || w == "test":
		case strings.HasPrefix(w, "."):
			packages = append(packages, filepath.Join(root, w))
		default:
			return fmt.Errorf("word %q is neither a flag nor a package", w)
		}
	}
	if len(packages) == 0 {
		return errors.New("no package")
	}
	for part := range strings.SplitSeq(strings.Trim(expression, "^()$"), "|") {
		is, err := regexp.Compile(part)
		if err != nil {
			return err
		}
		for _, p := range packages {
			folder, below := strings.CutSuffix(p, "/...")
			if p == "..." {
				folder, below = ".", true
			}
			matched := false
			for at, names := range all {
				inside := at == folder || below && (folder == "." || strings.HasPrefix(at, folder+"/"))
				matched = matched || inside && slices.ContainsFunc(names, is.MatchString)
			}
			if !matched {
				return fmt.Errorf("-run %s matches no test of %s", part, p)
			}
		}
	}
	return nil
}

// words returns the words of a command, as a shell splits them.
func words(line string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		all = append(all, m[1]+m[2]+m[3])
	}
	return all
}
