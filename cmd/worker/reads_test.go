package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// variables returns a function that reports whether serve reads an environment variable. It knows the variables of the flags, and the arguments of
// os.Getenv in the source of this command. A part of a name that is not constant in the source matches any word.
func variables(t *testing.T) func(name string) bool {
	t.Helper()
	patterns := []string{"GOMEMLIMIT"} // Go's runtime reads it
	parser, err := kong.New(&grammar{})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Name == "serve" {
			for _, flag := range command.Flags {
				patterns = append(patterns, flag.Envs...)
			}
		}
	}
	flags := len(patterns) - 1
	patterns = append(patterns, asked(t)...)
	if flags < 10 || len(patterns) < flags+10 {
		t.Fatalf("%d variables of flags, in all: %v", flags, patterns)
	}
	all := regexp.MustCompile(`^(?:` + strings.Join(patterns, "|") + `)$`)
	return all.MatchString
}

// asked returns the arguments of os.Getenv in this folder, as patterns. It leaves out arguments without a constant part.
func asked(t *testing.T) (patterns []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	s := source{constants: map[string]string{}, given: map[string][]string{}}
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
		ast.Inspect(file, s.learn)
	}
	for _, file := range parsed {
		for _, d := range file.Decls {
			s.locals = s.parameters(d)
			ast.Inspect(d, func(n ast.Node) bool {
				s.local(n)
				if call, ok := n.(*ast.CallExpr); ok && isGetenv(call) {
					if p := s.pattern(call.Args[0]); p != anyWord {
						patterns = append(patterns, p)
					}
				}
				return true
			})
		}
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

func isGetenv(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) != 1 {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == "os" && (f.Sel.Name == "Getenv" || f.Sel.Name == "LookupEnv")
}

const anyWord = "[A-Z0-9_]*"

// source holds the known values of names: constants of the package, arguments of its functions, and local variables of the current function.
type source struct {
	constants map[string]string
	given     map[string][]string // "f 0" is the first argument of f, as patterns
	locals    map[string]string
}

func (s source) learn(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				if text, ok := literal(n.Values[i]); ok {
					s.constants[name.Name] = text
				}
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok {
			for i, arg := range n.Args {
				place := fmt.Sprint(f.Name, " ", i)
				s.given[place] = append(s.given[place], s.pattern(arg))
			}
		}
	}
	return true
}

// parameters returns the values of the parameters of a function, from the calls of it in the package.
func (s source) parameters(d ast.Decl) map[string]string {
	locals := map[string]string{}
	if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
		i := 0
		for _, field := range f.Type.Params.List {
			for _, name := range field.Names {
				if values := s.given[fmt.Sprint(f.Name.Name, " ", i)]; len(values) > 0 {
					locals[name.Name] = oneOf(values)
				}
				i++
			}
		}
	}
	return locals
}

func oneOf(patterns []string) string { return "(?:" + strings.Join(patterns, "|") + ")" }

func (s source) local(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if name, ok := n.Lhs[0].(*ast.Ident); ok && n.Tok == token.DEFINE && len(n.Lhs) == len(n.Rhs) {
			s.locals[name.Name] = s.pattern(n.Rhs[0])
		}
	case *ast.RangeStmt:
		list, ok := n.X.(*ast.CompositeLit)
		if value, named := n.Value.(*ast.Ident); ok && named {
			var patterns []string
			for _, e := range list.Elts {
				patterns = append(patterns, s.pattern(e))
			}
			s.locals[value.Name] = oneOf(patterns)
		}
	}
}

// pattern returns a regular expression that matches the value of an expression.
func (s source) pattern(e ast.Expr) string {
	if text, ok := literal(e); ok {
		return regexp.QuoteMeta(text)
	}
	switch e := e.(type) {
	case *ast.Ident:
		if text, ok := s.constants[e.Name]; ok {
			return regexp.QuoteMeta(text)
		}
		if pattern, ok := s.locals[e.Name]; ok {
			return pattern
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return s.pattern(e.X) + s.pattern(e.Y)
		}
	}
	return anyWord
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// TestVariablesThatAreRead checks that variables knows names that the command reads, and no other names.
func TestVariablesThatAreRead(t *testing.T) {
	reads := variables(t)
	for _, name := range []string{"REDIS_URL", "PORT", "WEIR_TOKEN", "WEIR_GRACE", "WEIR_ADMIN", "ANTHROPIC_API_KEY", "SPOTIFY_TOKEN_FILE", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "GOMEMLIMIT"} {
		if !reads(name) {
			t.Errorf("%s is not known", name)
		}
	}
	for _, name := range []string{"", "HOME", "REDIS_PASSWORD", "WEIR_GRACES", "WEIR_TOKENS", "OTEL_METRIC_EXPORTER", "OTEL_EXPORTER_OTLP_LOG_HEADERS", "OTEL_EXPORTER_OTLP_", "XREDIS_URL"} {
		if reads(name) {
			t.Errorf("%q counts as a variable that the command reads", name)
		}
	}
}
