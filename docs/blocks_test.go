package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// block is a fenced block of Go in a document.
type block struct {
	file string // below the root
	line int    // of its first line of code
	info string // the text after the three backquotes
	code string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// blocksOf returns the blocks of Go in a document. A block may be indented, as in a list.
func blocksOf(file, text string) (blocks []block) {
	var open *block
	for i, line := range strings.Split(text, "\n") {
		fence, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fenced && open == nil:
			open = &block{file: file, line: i + 2, info: strings.TrimSpace(fence)}
		case fenced:
			if language, _, _ := strings.Cut(open.info, " "); strings.EqualFold(language, "go") || strings.EqualFold(language, "golang") {
				blocks = append(blocks, *open)
			}
			open = nil
		case open != nil:
			open.code += line + "\n"
		}
	}
	if open != nil {
		blocks = append(blocks, block{file: file, line: open.line, info: "without an end"})
	}
	return blocks
}

// kind returns whether a block is a program, a test or a fragment. An error says what is wrong with the block.
func (b block) kind() (string, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, b.String(), b.code, parser.SkipObjectResolution)
	switch {
	case b.info != "go" && b.info != "go fragment":
		return "", fmt.Errorf("the block begins with %q after the backquotes: a program begins with ```go, a fragment with ```go fragment", b.info)
	case b.info == "go fragment":
		return "fragment", parsesAlone(b.code)
	case !strings.HasPrefix(b.code, "package "):
		return "fragment", fmt.Errorf("the block does not begin with a package clause: write a program, or ```go fragment")
	case err != nil:
		return "", err
	case strings.HasSuffix(parsed.Name.Name, "_test"):
		return "test", nil
	case parsed.Name.Name != "main":
		return "", fmt.Errorf("the block is package %s: a program is package main, a test is a package …_test", parsed.Name.Name)
	}
	for _, decl := range parsed.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "main" {
			return "program", nil
		}
	}
	return "", fmt.Errorf("the program has no func main")
}

// parsesAlone returns an error if a text is neither declarations nor statements.
func parsesAlone(text string) error {
	parse := func(text string) error {
		_, err := parser.ParseFile(token.NewFileSet(), "line", text, parser.SkipObjectResolution)
		return err
	}
	if parse("package p; "+text) == nil {
		return nil
	}
	if err := parse("package p; func _() { " + text + "\n}"); err != nil {
		return fmt.Errorf("the fragment is neither declarations nor statements: %w", err)
	}
	return nil
}

// documents returns the README and all pages of docs, by their paths below the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Join("docs", path)] = string(text)
	}
	return texts
}
