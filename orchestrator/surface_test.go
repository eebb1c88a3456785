package orchestrator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestCoreIsAskedInOnePlace: the lock of the core is taken where an input goes in and where the state is read, and nowhere else. The
// orchestrator holds no collection of tasks.
func TestCoreIsAskedInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, locks := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr: // o.mu.Lock
				mu, ok := n.X.(*ast.SelectorExpr)
				if !ok || n.Sel.Name != "Lock" || mu.Sel.Name != "mu" {
					break
				}
				if of, ok := mu.X.(*ast.Ident); ok && of.Name == "o" {
					locks++
				}
			case *ast.TypeSpec:
				if fields, ok := n.Type.(*ast.StructType); ok && (n.Name.Name == "Orchestrator" || n.Name.Name == "worker" || n.Name.Name == "drained") {
					for _, f := range fields.Fields.List {
						if holdsTasks(f.Type) {
							t.Errorf("%v: %s holds a collection of tasks; only the core may hold tasks", set.Position(f.Pos()), n.Name.Name)
						}
					}
				}
			}
			return true
		})
	}
	if locks != 2 {
		t.Errorf("the lock of the core is taken in %d places, want 2", locks)
	}
}

// holdsTasks reports whether a type is a slice, a map or a channel of tasks.
func holdsTasks(of ast.Expr) bool {
	isTask := func(e ast.Expr) bool {
		if star, ok := e.(*ast.StarExpr); ok {
			e = star.X
		}
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name == "task" || e.Name == "run" || e.Name == "client" || e.Name == "turn"
		case *ast.SelectorExpr:
			return e.Sel.Name == "Task"
		}
		return false
	}
	switch of := of.(type) {
	case *ast.ArrayType:
		return isTask(of.Elt)
	case *ast.MapType:
		return isTask(of.Key) || isTask(of.Value)
	case *ast.ChanType:
		return isTask(of.Value)
	}
	return false
}
