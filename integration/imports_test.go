package integration

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/weir-go/weir"

// arrows say what a package must not import, and why. The key is a folder and all below it; a name that ends in /...
// stands for a package and all below it. What is in the folder itself may always be imported there.
var arrows = map[string][]struct{ not, why string }{
	"lua": {
		{module + "/...", "lua is the last arrow: it knows neither policy nor tasks"},
		{"net/http/...", "lua knows Redis only"},
	},
	"limiter": {
		{module + "/orchestrator/...", "the limiter knows no tasks"},
		{module + "/worker/...", "the limiter knows no workers"},
		{"net/http/...", "the limiter knows no HTTP"},
		{"go.opentelemetry.io/otel/sdk/...", "who runs the library chooses the SDK"},
		{"flag", "only commands read flags"},
	},
	"orchestrator": {
		{module + "/lua/...", "the orchestrator knows no Redis"},
		{module + "/worker/...", "the orchestrator knows no workers"},
		{"github.com/redis/...", "the orchestrator knows no Redis"},
		{"net/http/...", "the orchestrator knows no HTTP"},
		{"go.opentelemetry.io/otel/sdk/...", "who runs the library chooses the SDK"},
		{"flag", "only commands read flags"},
	},
	"worker":           {{"flag", "only commands read flags"}, {"charm.land/...", "only commands know terminals"}, {module + "/cmd/...", "commands wire, nothing wires commands"}},
	"worker/fleet":     {{module + "/worker", "the worker is put together from its parts"}, {module + "/orchestrator/...", "whoever looks at a fleet starts no tasks"}},
	"worker/playlist":  {{module + "/worker", "the worker is put together from its parts"}, {module + "/worker/upstream", "what calls providers knows no simulator"}},
	"worker/sse":       {{module + "/...", "a stream knows nothing of what is streamed"}},
	"worker/transport": {{module + "/worker", "the worker is put together from its parts"}, {module + "/orchestrator/...", "a transport knows requests, not tasks"}},
	"worker/upstream":  {{module + "/...", "a judge that shares code with the accused shares its mistakes"}},
	"cmd/inspect": {
		{module + "/orchestrator/...", "inspect starts no tasks"},
		{module + "/worker/playlist", "inspect looks at any fleet"},
	},
}

// TestImportsFollowTheArrows reads what every package imports, tests apart, and holds it against the arrows.
func TestImportsFollowTheArrows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
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
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module+"/integration") && here != "integration" {
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
	for folder := range arrows {
		if !seen[folder] {
			t.Errorf("no package in %s: the rule about it holds nothing", folder)
		}
	}
}

func matches(path, name string) bool {
	folder, all := strings.CutSuffix(name, "/...")
	return path == name || all && below(path, folder)
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }
