package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/lua"
)

const (
	module = "github.com/weir-go/weir" // of the library
	client = "github.com/redis/go-redis/v9"
)

// reads are the files whose calls to Redis only read. inspect runs no other calls than these and its own.
var reads = []string{"limiter/snapshot.go", "limiter/events.go", "lua/record.go", "worker/fleet/read.go"}

// only names the files whose calls the worker does not make, and the user that makes them.
var only = map[string]string{"limiter/events.go": "weir-inspect", "worker/fleet/read.go": "weir-inspect", "limiter/operator.go": "weir-operator"}

// TestDocumentsListTheCommands compares the users of docs/operations.md with the code: with the commands that the scripts call, and with the
// methods of the Redis client that the Go code calls.
func TestDocumentsListTheCommands(t *testing.T) {
	scripts := scriptCommands(t)
	calls := goCommands(t)
	worker, inspect := map[string]bool{}, map[string]bool{}
	maps.Copy(worker, scripts)
	for file, commands := range calls {
		looks := slices.Contains(reads, file)
		if looks || strings.HasPrefix(file, "cmd/inspect/") {
			maps.Copy(inspect, commands)
		}
		if only[file] == "" && !strings.HasPrefix(file, "cmd/inspect/") {
			maps.Copy(worker, commands)
		}
	}
	for _, file := range reads {
		if len(calls[file]) == 0 {
			t.Errorf("%s makes no call to Redis: correct the list reads of this test", file)
		}
	}
	for name, used := range map[string]map[string]bool{"weir-worker": worker, "weir-inspect": inspect} {
		listed := documentedUser(t, name).commands
		for _, c := range slices.Sorted(maps.Keys(used)) {
			if !slices.Contains(listed, c) {
				t.Errorf("docs/operations.md does not allow %s to %s, which the code needs", name, c)
			}
		}
		for i, c := range listed {
			if !used[c] || slices.Contains(listed[:i], c) {
				t.Errorf("docs/operations.md allows %s to %s, which no code needs, or lists it twice", name, c)
			}
		}
	}
	// Only the calls of the Go code. TestDocumentedUsers tries which commands the operator's script needs.
	operator := documentedUser(t, "weir-operator").commands
	for c := range calls["limiter/operator.go"] {
		if !slices.Contains(operator, c) {
			t.Errorf("docs/operations.md does not allow weir-operator to %s, which the code needs", c)
		}
	}
	if got, want := documentedUser(t, "weir-worker").keys, "~"+strings.TrimSuffix(lua.Keys("weir").State(), "state")+"*"; got != want {
		t.Errorf("docs/operations.md gives the worker the keys %s, want %s", got, want)
	}
	if got, want := documentedUser(t, "weir-inspect").keys, "%R"+documentedUser(t, "weir-worker").keys; got != want {
		t.Errorf("docs/operations.md gives inspect the keys %s, want %s", got, want)
	}
}

// scriptCommands returns the commands that the scripts call. A call whose command is not a literal fails the test, because this function
// cannot read its name.
func scriptCommands(t *testing.T) map[string]bool {
	t.Helper()
	call := regexp.MustCompile(`\bp?call\(\s*(?:'([A-Za-z]+)')?`)
	comment := regexp.MustCompile(`(?m)(^|\s)--.*$`)
	commands := map[string]bool{}
	for name, source := range lua.Sources() {
		for _, m := range call.FindAllStringSubmatch(comment.ReplaceAllString(source, ""), -1) {
			if m[1] == "" {
				t.Errorf("the script %s calls a command that is not a literal: %s", name, m[0])
			}
			commands[strings.ToLower(m[1])] = true
		}
	}
	return commands
}

// goCommands returns the commands that the project's Go code sends, by file, without tests and test helpers. It finds them by type: a method
// of the client that returns a Cmd sends the command with the method's name.
func goCommands(t *testing.T) map[string]map[string]bool {
	t.Helper()
	packages, exports := exported(t)
	found := map[string]map[string]bool{}
	set := token.NewFileSet()
	compiled := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range packages {
		if !slices.Contains(p.Imports, client) || p.ImportPath == module+"/limiter/limitertest" || strings.HasPrefix(p.ImportPath, module+"/limiter/internal/paper/") {
			continue
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		if _, err := (&types.Config{Importer: compiled}).Check(p.ImportPath, set, files, info); err != nil {
			t.Fatal(err)
		}
		for id, object := range info.Uses {
			f, ok := object.(*types.Func)
			if !ok || f.Pkg() == nil || f.Pkg().Path() != client {
				continue
			}
			position := set.Position(id.Pos())
			file := strings.TrimPrefix(p.ImportPath, module+"/") + "/" + filepath.Base(position.Filename)
			if found[file] == nil {
				found[file] = map[string]bool{}
			}
			for _, c := range sends(t, file, f) {
				found[file][c] = true
			}
		}
	}
	return found
}

// sends returns the commands that a function of the client sends.
func sends(t *testing.T, file string, f *types.Func) []string {
	t.Helper()
	results := f.Signature().Results()
	if results.Len() != 1 || !strings.HasPrefix(results.At(0).Type().String(), "*"+client+".") || !strings.HasSuffix(results.At(0).Type().String(), "Cmd") {
		return nil
	}
	of := ""
	if receiver := f.Signature().Recv(); receiver != nil {
		of = strings.TrimPrefix(receiver.Type().String(), "*"+client+".")
	}
	switch {
	case of == "Script" && f.Name() == "Run", of == "" && f.Name() == "NewCmd" && file == "lua/script.go":
		return []string{"evalsha", "eval"}
	case of == "" || f.Name() == "Do":
		t.Errorf("%s calls %s: this test does not know which command the function sends", file, f.Name())
		return nil
	}
	if f.Name() == "XRevRangeN" {
		return []string{"xrevrange"}
	}
	return []string{strings.ToLower(strings.TrimSuffix(f.Name(), "WithScores"))}
}

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, Imports        []string
}

// exported returns the project's packages. exports has the file with the compiled types of each package, imports included.
func exported(t *testing.T) (packages []listed, exports map[string]string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Imports", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w", err))
	}
	exports = map[string]string{}
	for all := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := all.Decode(&p); errors.Is(err, io.EOF) {
			return packages, exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module+"/") {
			packages = append(packages, p)
		}
	}
}
