package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// written returns the paths of the documents that people write, relative to this folder. It leaves out documents that a program writes.
func written(t *testing.T) []string {
	t.Helper()
	here, err := filepath.Glob("*.md")
	if err != nil || len(here) < 10 {
		t.Fatalf("%d documents, want 10 or more: %v", len(here), err)
	}
	var read []string
	for _, name := range append(here, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../bench/README.md", "../deploy/kubernetes/README.md", "pictures/README.md") {
		switch name {
		case "faults.md", "peers-under-faults.md", "fleet-on-paper.md": // programs write the tables
		default:
			read = append(read, name)
		}
	}
	return read
}

// TestReadmeIsShort: the README has at most 1,300 words.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(text))); n > 1300 {
		t.Errorf("the README has %d words, want at most 1300", n)
	}
}

// TestNeighbouringLinesBeginDifferently: no row of a table, item of a list or line of text begins with the same two words as the line before.
func TestNeighbouringLinesBeginDifferently(t *testing.T) {
	for _, name := range written(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code, before := false, ""
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "```") {
				code, before = !code, ""
				continue
			}
			if code || strings.HasPrefix(line, "    ") {
				continue
			}
			begins := beginning(line)
			if begins != "" && begins == before {
				t.Errorf("%s:%d begins with the same words as the line before: %q", name, i+1, begins)
			}
			before = begins
		}
	}
}

// beginning returns the first two words of a line, or the first cell of a table row if that is shorter. It returns nothing if the line begins with code.
func beginning(line string) string {
	line = regexp.MustCompile(`^(\| |- |\d+\. )`).ReplaceAllString(line, "")
	if strings.HasPrefix(line, "`") {
		return ""
	}
	words := strings.Fields(line)
	for i, w := range words {
		if w == "|" && i > 0 {
			words = words[:i]
			break
		}
	}
	return strings.ToLower(strings.Join(words[:min(2, len(words))], " "))
}

// TestLinksLeadSomewhere: each file and each heading to which a document links exists.
func TestLinksLeadSomewhere(t *testing.T) {
	fenced := regexp.MustCompile("(?s)\n```.*?\n```")
	link := regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	for _, name := range append(written(t), "faults.md", "peers-under-faults.md", "fleet-on-paper.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			to, heading := m[1], strings.TrimPrefix(m[2], "#")
			if strings.Contains(to, "://") {
				continue
			}
			if to = filepath.Join(filepath.Dir(name), to); m[1] == "" {
				to = name
			}
			target, err := os.ReadFile(to)
			if stat, stated := os.Stat(to); stated == nil && stat.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			} else if heading != "" && !hasHeading(string(target), heading) {
				t.Errorf("%s links to %s#%s, but there is no such heading", name, m[1], heading)
			}
		}
	}
}

// hasHeading reports whether a document has a heading with this anchor.
func hasHeading(text, anchor string) bool {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		made := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(made, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestErrorsAreExplained: operations.md explains each error that packages limiter and orchestrator export.
func TestErrorsAreExplained(t *testing.T) {
	text, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, folder := range []string{"limiter", "orchestrator"} {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^(?:type ([A-Z]\w*Error) struct|\s(Err[A-Z]\w*)\s+=|var (Err[A-Z]\w*) =)`).FindAllStringSubmatch(string(source), -1) {
				seen++
				if name := m[1] + m[2] + m[3]; !strings.HasSuffix(file, "_test.go") && !regexp.MustCompile("[`.]"+name+"`").Match(text) {
					t.Errorf("operations.md does not explain %s.%s", folder, name)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d errors were found, want 20 or more", seen)
	}
}
