package docs

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command is a command that a reader copies from a document.
type command struct {
	at   string // file and line
	text string
	dir  string // the folder in which the document says to run it
}

// commands returns the commands of a document: lines of shell blocks, and indented lines and code in a line that begin with a program.
func commands(t *testing.T, name string) []command {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var found []command
	block, whole, dir := "", "", ".."
	if strings.HasPrefix(name, "../bench/") {
		dir = "../bench"
	}
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("%s:%d", strings.TrimPrefix(name, "../"), i+1)
		if kind, ok := strings.CutPrefix(line, "```"); ok {
			if block = kind + "."; kind == "" {
				block = ""
			}
			continue
		}
		switch indented, isIndented := strings.CutPrefix(line, "    "); {
		case block == "sh.":
			part, more := strings.CutSuffix(line, `\`)
			if whole += part; !more {
				found = append(found, command{at, whole, dir})
				whole = ""
			}
		case block != "":
		case isIndented && program.MatchString(indented):
			found = append(found, command{at, strings.TrimSpace(regexp.MustCompile(`\s+#.*`).ReplaceAllString(indented, "")), dir})
		default:
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
				if program.MatchString(m[1]) {
					found = append(found, command{at, strings.ReplaceAll(m[1], `\|`, "|"), dir})
				}
			}
		}
	}
	return found
}

// program matches the beginning of a command. A word alone is a name, not a command.
var program = regexp.MustCompile(`^([A-Z_]+=\S+ )*(go (test|run|-C|tool|mod|doc|build|install) \S|(inspect|worker|curl|kubectl|redis-cli) \S|docker (compose|run|build) |\.ci/\S*\w)`)

// elsewhere are commands that another file of the repository runs. That file must contain the words.
var elsewhere = []struct{ command, file, words string }{
	{`^go run ./cmd/worker demo( --json)?$`, ".ci/run", "go run ./cmd/worker demo --json"},
	{`^go run ./cmd/worker demo --scene throttled$`, "cmd/worker/scene_test.go", `"throttled"`},
	{`^go run ./cmd/worker demo --scene tokens$`, "cmd/worker/scene_test.go", `"tokens"`},
	{`^go mod edit -require .* && go mod tidy$`, "docs/weight_test.go", `"mod", "edit", "-require"`},
	{`^go build ./\.\.\.$`, ".ci/run", "go vet ./..."},
	{`^go -C integration (test|run) `, ".ci/run", "go -C integration test ./..."},
	{`^(WEIR_SCREENSHOTS=. )?go -C browser test `, ".ci/run", "go -C browser test ./..."},
	{`^go -C examples/clients test `, ".ci/run", "go -C examples/clients test ./..."},
	{`^go -C bench run ./arrivals`, "bench/arrivals/play_test.go", "func Test"},
	{`^WEIR_SCREENSHOTS=.* go -C browser test `, ".ci/run", "go -C browser test ./..."},
	{`^go run ./cmd/inspect show -o jsonl`, "cmd/inspect/inspect_test.go", "jsonl"},
	{`^go -C bench run ./faults`, ".ci/run", "go -C bench run ./faults"},
	{`^redis-cli ACL SETUSER `, "integration/acl_test.go", "redis-cli ACL SETUSER"},
	{`docker compose (--profile observability )?up$`, ".ci/smoke.sh", `"${compose[@]}" up`},
	{`^.ci/(run|golangci-lint.sh|redis-image.sh .*)$`, ".github/workflows/ci.yml", ".ci/run"},
	{`^\.ci/compile\.sh`, ".ci/run", ".ci/compile.sh"},
	{`^\.ci/lint\.sh`, ".ci/run", ".ci/lint.sh"},
	{`^\.ci/notice\.sh`, ".ci/run", ".ci/notice.sh -check"}, // without -check it writes into the tree
	{`^\.ci/release\.sh`, ".github/workflows/release.yml", ".ci/release.sh"},
	{`^go run ./cmd/worker (serve|upstream)$`, "docs/run_test.go", `"serve"`}, // the replica and the simulator beside which the other commands run
	{`^worker upstream --slack 0$`, "docs/run_test.go", `"--slack", "0"`},
	{`^go run ./cmd/worker demo --hold$`, "cmd/worker/hold_test.go", "Hold: true"},
	{`^go run ./docs/pictures`, "docs/pictures/pictures_test.go", "func Test"},
	{`^kubectl `, "cmd/worker/kubernetes_test.go", "kustomize"},
}

// mentions are names of commands without the arguments that they need.
var mentions = []string{"go run ./cmd/worker", "curl -F", "curl --data-binary", "inspect --write", "worker serve", "inspect why", "inspect why --json", "worker upstream", ".ci/notice"}

// long are commands that take minutes or hours. The test looks for their flags in the sources; TestLongCommandsBegin runs them until their output
// shows that they have begun to work.
var long = []struct{ command, sources, begun string }{
	{`^go (-C bench )?run (-tags nogozero )?\.($| )`, "bench/*.go", `round 1: `},
	{`^go run ./limiter/internal/paper/cmd`, "limiter/internal/paper/cmd/*.go", `[0-9]`},
	{`^\.ci/mutate.sh$`, ".ci/mutate.sh", `noticed by\n\S.*Test`},
	{`^\.ci/mutate.sh --matrix$`, ".ci/mutate-matrix.sh", `\n\S.*\n`},
}

// TestCommandsAreRun: each command of a document names tests that exist, is run by another file, or is run here. Without WEIR_ROWS=all, which
// .ci/run sets, only the commands of the README and of the guide are run here.
func TestCommandsAreRun(t *testing.T) {
	names := testNames(t)
	var here []command
	seen := map[string]int{}
	for _, name := range append(written(t), "faults.md", "peers-under-faults.md", "fleet-on-paper.md", "../CHANGELOG.md") {
		for _, c := range commands(t, name) {
			switch {
			case regexp.MustCompile(`^([A-Z_]+=\S+ )*go (-C \S+ )?test `).MatchString(c.text):
				if err := names.has(c.text); err != nil {
					t.Errorf("%s: %s: %v", c.at, c.text, err)
				}
				seen["go test"]++
			case slices.Contains(mentions, c.text) || name == "../CHANGELOG.md": // a changelog has commands of former versions
			case runsElsewhere(t, c):
				seen["elsewhere"]++
			case isLong(t, c):
				seen["long"]++
			case !slices.ContainsFunc(here, func(d command) bool { return d.text == c.text }):
				here = append(here, c)
				seen["here"]++
			}
		}
	}
	t.Logf("commands: %v", seen)
	if seen["go test"] < 60 || seen["here"] < 15 {
		t.Errorf("too few commands were found: %v", seen)
	}
	if os.Getenv("WEIR_ROWS") != "all" { // a newcomer waits for the commands of the first pages only
		here = slices.DeleteFunc(here, func(c command) bool {
			return !strings.HasPrefix(c.at, "README.md") && !strings.HasPrefix(c.at, "guide.md")
		})
	}
	slices.SortStableFunc(here, func(a, b command) int { // what deletes the namespace comes last
		return cmp.Compare(strings.Count(a.text, " DEL"), strings.Count(b.text, " DEL"))
	})
	if len(here) > 0 {
		run(t, here)
	}
}

func runsElsewhere(t *testing.T, c command) bool {
	t.Helper()
	for _, e := range elsewhere {
		if !regexp.MustCompile(e.command).MatchString(c.text) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", e.file))
		if err != nil || !strings.Contains(string(text), e.words) {
			t.Errorf("%s: %s: %s does not contain %q (%v)", c.at, c.text, e.file, e.words, err)
		}
		return true
	}
	return false
}

func isLong(t *testing.T, c command) bool {
	t.Helper()
	for _, l := range long {
		if !regexp.MustCompile(l.command).MatchString(c.text) {
			continue
		}
		var sources strings.Builder
		files, _ := filepath.Glob(filepath.Join("..", l.sources))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
		if len(files) == 0 {
			t.Errorf("%s: %s: no file matches %s", c.at, c.text, l.sources)
		}
		for _, flag := range regexp.MustCompile(` --([a-z-]+)`).FindAllStringSubmatch(c.text, -1) {
			if !strings.Contains(sources.String(), flag[1]) {
				t.Errorf("%s: %s: there is no flag --%s in %s", c.at, c.text, flag[1], l.sources)
			}
		}
		return true
	}
	return false
}
