package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestStatesAreThoseOfTheCore: the picture has the states of the core, an arrow to each state that the core assigns to a task, and the
// outcomes that the metrics count.
func TestStatesAreThoseOfTheCore(t *testing.T) {
	states, given := core(t)
	boxes, ends := map[string]bool{}, map[string]bool{}
	for _, s := range steps() {
		boxes[s.to], ends[s.to] = true, true
		for _, from := range s.from {
			boxes[from] = true
		}
	}
	same(t, "states", states, boxes)
	same(t, "states that the core assigns", given, ends)
	for _, name := range outcomes() {
		boxes[name] = true
	}
	same(t, "outcomes", counted(t), setOf(outcomes()))
	picture := statesPicture()
	written := ""
	for _, text := range picture.texts {
		written += " " + text.text + ", "
	}
	for name := range boxes {
		if !strings.Contains(written, " "+name+", ") {
			t.Errorf("the picture does not name %q", name)
		}
	}
}

func same(t *testing.T, what string, code, picture map[string]bool) {
	t.Helper()
	if !maps.Equal(code, picture) || len(code) == 0 {
		t.Errorf("%s: the code has %v, the picture %v", what, slices.Sorted(maps.Keys(code)), slices.Sorted(maps.Keys(picture)))
	}
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// core returns the constants of the type state in the core, and the constants that code of the core assigns to the field of a task.
func core(t *testing.T) (states, given map[string]bool) {
	t.Helper()
	states, given = map[string]bool{}, map[string]bool{}
	folder := filepath.Join("..", "..", "orchestrator", "internal", "core")
	for _, file := range parsed(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if first, ok := n.Specs[0].(*ast.ValueSpec); ok && n.Tok == token.CONST && named(first.Type, "state") {
					for _, spec := range n.Specs {
						states[spec.(*ast.ValueSpec).Names[0].Name] = true
					}
				}
			case *ast.AssignStmt:
				for i, to := range n.Lhs {
					field, ok := to.(*ast.SelectorExpr)
					if value, plain := n.Rhs[min(i, len(n.Rhs)-1)].(*ast.Ident); ok && plain && field.Sel.Name == "state" {
						given[value.Name] = true
					}
				}
			}
			return true
		})
	}
	return states, given
}

func named(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// counted returns the values of weir.task.outcome: the strings of the array of the type outcome.
func counted(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for name, file := range parsed(t, filepath.Join("..", "..", "orchestrator")) {
		if filepath.Base(name) != "metrics.go" {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			list, ok := n.(*ast.CompositeLit)
			if array, is := (*ast.ArrayType)(nil), false; ok {
				if array, is = list.Type.(*ast.ArrayType); is && named(array.Elt, "string") && named(array.Len, "outcomes") {
					for _, e := range list.Elts {
						text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
						if err != nil {
							t.Fatal(err)
						}
						found[text] = true
					}
				}
			}
			return true
		})
	}
	return found
}

// parsed returns the parsed Go files of a folder, without tests.
func parsed(t *testing.T, folder string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(names), err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
