package docs

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows say what a package must not import, and why. The key is a folder, with all packages below it. A name that ends in /... is a package,
// with all packages below it. A package may always import packages of its own folder.
var arrows = map[string][]struct{ not, why string }{
	"lua": {
		{module + "/...", "lua is the lowest layer: it knows neither policy nor tasks"},
		{"net/http/...", "lua knows Redis only"},
	},
	"limiter": {
		{module + "/orchestrator/...", "the limiter knows no tasks"},
		{module + "/worker/...", "the limiter knows no workers"},
		{"net/http/...", "the limiter knows no HTTP"},
		{"go.opentelemetry.io/otel/sdk/...", "the program that uses the library chooses the SDK"},
		{"flag", "only commands read flags"},
	},
	"orchestrator": {
		{module + "/lua/...", "the orchestrator knows no Redis"},
		{module + "/worker/...", "the orchestrator knows no workers"},
		{"github.com/redis/...", "the orchestrator knows no Redis"},
		{"net/http/...", "the orchestrator knows no HTTP"},
		{"go.opentelemetry.io/otel/sdk/...", "the program that uses the library chooses the SDK"},
		{"flag", "only commands read flags"},
	},
	"worker": {{"flag", "only commands read flags"}, {"charm.land/...", "only commands know terminals"}, {module + "/cmd/...", "commands use packages, and no package uses commands"}},
	"worker/analysis": {
		{module + "/worker", "the worker imports its parts, and no part imports the worker"},
		{module + "/worker/upstream", "a package that calls providers knows no simulator"},
	},
	"worker/desk": {
		{module + "/worker", "the worker imports its parts, and no part imports the worker"},
		{module + "/worker/analysis", "the desk does not know the steps of an analysis"},
		{module + "/worker/playlist", "the desk does not know what an analysis is about"},
		{module + "/worker/providers", "the desk knows no providers"},
		{module + "/orchestrator/...", "the desk knows no tasks"},
		{module + "/limiter/...", "the desk knows no budget"},
	},
	"worker/deskhttp": {
		{module + "/worker", "the worker imports its parts, and no part imports the worker"},
		{module + "/worker/analysis", "the streams do not know the steps of an analysis"},
		{module + "/worker/providers", "the streams know no providers"},
		{module + "/orchestrator/...", "the streams know no tasks"},
		{module + "/limiter/...", "the streams know no budget"},
	},
	"worker/fleet": {{module + "/worker", "the worker imports its parts, and no part imports the worker"}, {module + "/orchestrator/...", "a package that reads the state of a fleet starts no tasks"}},
	"worker/gate":  {{module + "/...", "a gate knows nothing of the work behind it"}},
	"worker/playlist": {
		{module + "/...", "a parser knows neither tasks nor the use of a playlist"},
		{"net/http/...", "a parser knows no HTTP"},
	},
	"worker/providers": {
		{module + "/worker", "the worker imports its parts, and no part imports the worker"},
		{module + "/worker/upstream", "a package that calls providers knows no simulator"},
		{module + "/worker/analysis", "a client does not know the purpose of a request"},
	},
	"worker/sse":       {{module + "/...", "a stream knows nothing about its events"}},
	"worker/transport": {{module + "/worker", "the worker imports its parts, and no part imports the worker"}, {module + "/orchestrator/...", "a transport knows requests, not tasks"}},
	"worker/upstream":  {{module + "/...", "a check that shares code with the checked program shares its mistakes"}},
	"integration/faults": {
		{module + "/worker/...", "the harness tests the library under faults, not a worker"},
		{module + "/cmd/...", "the harness tests the library under faults, not a command"},
		{module + "/lua/...", "a check that shares code with the checked program shares its mistakes"},
	},
	"cmd/inspect": {
		{module + "/orchestrator/...", "inspect starts no tasks"},
		{module + "/worker/analysis", "inspect looks at any fleet"},
		{module + "/worker/playlist", "inspect looks at any fleet"},
		{module + "/worker/providers", "inspect looks at any fleet"},
	},
}

// plain are packages that import only the named parts. If no parts are named, they import only the standard library.
var plain = map[string]struct {
	parts []string
	why   string
}{
	"limiter/internal/adapt": {
		[]string{"cmp", "math", "slices", "strconv", "strings", "time"},
		"learning is arithmetic: without lock, clock, context and I/O equal reports give equal factors, here and in a script",
	},
	"limiter/internal/bucket": {
		[]string{"cmp", "math", "slices", "sort", "strconv", "time", module + "/limiter/internal/adapt"},
		"the core only decides: without lock, clock, context and I/O equal requests have equal answers, here and in a script",
	},
	"limiter/internal/paper": {
		[]string{"fmt", "math", "math/rand/v2", "slices", "time", module + "/limiter/internal/bucket"},
		"a fleet on paper has virtual time and random numbers with a seed: equal worlds have equal results",
	},
	"orchestrator/internal/core": {
		[]string{"cmp", "errors", "math", "slices", "time"},
		"the core only decides: without lock, timer, context, clock and code of users equal inputs have equal effects",
	},
	"worker/evidence": {
		[]string{"cmp", "errors", "iter", "math", "net/http", "slices", "strconv", "strings", "time"},
		"the meaning of an answer depends neither on the caller nor on the reaction to it, and a reader without clock and I/O can be tested with a million answers",
	},
	"worker/desk": {
		[]string{"cmp", "context", "crypto/rand", "errors", "fmt", "io", "runtime/debug", "slices", "strconv", "strings", "sync", "time", module + "/worker/sse"},
		"a desk can be tested in virtual time, without sockets",
	},
	"docs/pictures":              {nil, "pictures are drawn from files, so that every reader can draw them"},
	"integration/faults/outcome": {nil, "the package that judges a row reads the reports of replicas, and shares no other code with them"},
	"limiter/internal/table":     {nil, "a check that shares code with the checked program shares its mistakes"},
	"worker/upstream":            {nil, "tests of users link the simulator, and nothing else with it"},
	"worker/upstream/upstreamtest": {
		[]string{"context", "errors", "fmt", "io", "maps", "net", "net/http", "net/http/httptest", "slices", "sort", "strings", "sync", "time", module + "/worker/upstream"},
		"tests of users link it: neither Redis nor telemetry nor a client of a provider may come with it",
	},
}

// TestImportsFollowTheArrows reads the imports of every package, without its tests, and checks them by arrows and plain.
func TestImportsFollowTheArrows(t *testing.T) {
	var out []byte
	for _, folder := range []string{"..", "../integration"} { // modules
		list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
		list.Dir = folder
		packages, err := list.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v", folder, err)
		}
		out = append(out, packages...)
	}
	seen := map[string]bool{}
	for packages := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		here := strings.TrimPrefix(p.ImportPath, module+"/")
		if rule, ok := plain[here]; ok {
			seen[here] = true
			for _, imported := range p.Imports {
				library, _, _ := strings.Cut(imported, "/")
				named := slices.Contains(rule.parts, imported)
				if strings.Contains(library, ".") && !named || rule.parts != nil && !named {
					t.Errorf("%s imports %s: %s", here, imported, rule.why)
				}
			}
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module+"/integration") && !below(here, "integration") {
				t.Errorf("%s imports %s: nothing imports integration", here, imported)
			}
			for folder, rules := range arrows {
				if !below(here, folder) {
					continue
				}
				seen[folder] = true
				for _, r := range rules {
					if matches(imported, r.not) && !below(imported, module+"/"+folder) {
						t.Errorf("%s imports %s: %s", here, imported, r.why)
					}
				}
			}
		}
	}
	for _, folder := range slices.Concat(slices.Collect(maps.Keys(arrows)), slices.Collect(maps.Keys(plain))) {
		if !seen[folder] {
			t.Errorf("there is no package in %s: remove the rule about it", folder)
		}
	}
}

// TestCoreHasNoClock: time is an argument of the cores. Of package time they use only Duration and its units. The
// package that reads headers also uses dates.
func TestCoreHasNoClock(t *testing.T) {
	plain := []string{"Duration", "Microsecond", "Millisecond", "Second", "Minute"}
	dates := slices.Concat(plain, []string{"Hour", "Time", "Date", "Unix", "UTC", "Parse", "ParseDuration", "ANSIC", "RFC850", "RFC3339", "DateTime"})
	allowed := map[string][]string{} // of each file
	for folder, names := range map[string][]string{"../limiter/internal/adapt": plain, "../limiter/internal/bucket": plain, "../limiter/internal/paper": plain, "../orchestrator/internal/core": plain, "../worker/evidence": dates} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				allowed[name] = names
			}
		}
	}
	for name, names := range allowed {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := s.X.(*ast.Ident); ok && of.Name == "time" && !slices.Contains(names, s.Sel.Name) {
				t.Errorf("%v: time.%s: this package reads no clock, time is an argument", set.Position(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
}

func matches(path, name string) bool {
	folder, all := strings.CutSuffix(name, "/...")
	return path == name || all && below(path, folder)
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
