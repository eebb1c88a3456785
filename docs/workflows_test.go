package docs

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is the part of a file of GitHub Actions that these tests read.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct{ Uses, Run string }
	}
}

var (
	exactTag   = regexp.MustCompile(`^[\w-]+/[\w-]+@v\d+\.\d+\.\d+$`)
	scriptCall = regexp.MustCompile(`^(\.ci/[\w.-]+)( [^\n;&|<>` + "`" + `]+)?$`)
	mayWrite   = map[string]string{"release.yml release": "contents"} // by file and job
)

// faultsIn returns the faults of a workflow. Each step is one call of a script, so that people can run it without GitHub. Each action has an exact
// tag, so that it changes only with a commit here. No job may write, except the jobs in mayWrite.
func faultsIn(name, text string, isScript func(string) bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, name+": "+fmt.Sprintf(format, args...)) }
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		fault("%v", err)
		return faults
	}
	if len(w.Jobs) == 0 {
		fault("no jobs")
	}
	if !maps.Equal(w.Permissions, map[string]string{"contents": "read"}) {
		fault("the workflow has the permissions %v, not contents: read", w.Permissions)
	}
	for job, j := range w.Jobs {
		for what, how := range j.Permissions {
			if how == "write" && mayWrite[name+" "+job] != what {
				fault("job %s may write %s", job, what)
			}
		}
		for _, step := range j.Steps {
			if step.Uses != "" && !exactTag.MatchString(step.Uses) {
				fault("%s has no exact tag", step.Uses)
			}
			if step.Run == "" {
				continue
			}
			if m := scriptCall.FindStringSubmatch(strings.TrimSpace(step.Run)); m == nil {
				fault("%q is not one call of a script", step.Run)
			} else if !isScript(m[1]) {
				fault("%s is no executable script", m[1])
			}
		}
	}
	return faults
}

func TestWorkflowsCallScripts(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faultsIn(filepath.Base(file), string(text), func(path string) bool {
			stat, err := os.Stat(filepath.Join("..", path))
			return err == nil && stat.Mode().IsRegular() && (stat.Mode()&0o100 != 0 || os.PathSeparator == '\\')
		}) {
			t.Error(fault)
		}
	}
}

func TestWorkflowsThatDoMoreAreNoticed(t *testing.T) {
	const good = `
permissions: {contents: read}
jobs:
  release:
    permissions: {contents: write}
    steps:
      - uses: a/b@v1.2.3
      - run: .ci/run "$GITHUB_REF_NAME"
`
	scripts := func(path string) bool { return path == ".ci/run" }
	if faults := faultsIn("release.yml", good, scripts); faults != nil {
		t.Fatal(faults)
	}
	for name, c := range map[string]struct{ was, is, fault string }{
		"two commands":      {`.ci/run "$GITHUB_REF_NAME"`, ".ci/run && echo", "not one call"},
		"two lines":         {`- run: .ci/run "$GITHUB_REF_NAME"`, "- run: |\n          .ci/run\n          echo", "not one call"},
		"no script":         {`.ci/run "$GITHUB_REF_NAME"`, "go test ./...", "not one call"},
		"a missing script":  {".ci/run", ".ci/none", "no executable script"},
		"a moving tag":      {"@v1.2.3", "@v1", "no exact tag"},
		"a branch":          {"@v1.2.3", "@main", "no exact tag"},
		"all may write":     {"permissions: {contents: read}", "permissions: {contents: write}", "not contents: read"},
		"default rights":    {"permissions: {contents: read}\n", "", "not contents: read"},
		"another job":       {"  release:", "  build:", "may write"},
		"write packages":    {"contents: write", "packages: write", "may write"},
		"nothing to be run": {"jobs:", "works:", "no jobs"},
	} {
		if !strings.Contains(good, c.was) {
			t.Fatalf("%s: the good workflow does not contain %q", name, c.was)
		}
		faults := strings.Join(faultsIn("release.yml", strings.Replace(good, c.was, c.is, 1), scripts), "; ")
		t.Logf("%-18s %s", name, faults)
		if !strings.Contains(faults, c.fault) {
			t.Errorf("%s: faults %q, want %q among them", name, faults, c.fault)
		}
	}
}

// TestDependabotKnowsEveryModule: a module that Dependabot does not know would keep vulnerable dependencies.
func TestDependabotKnowsEveryModule(t *testing.T) {
	text, err := os.ReadFile("../.github/dependabot.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
			Schedule    struct{ Interval string }
			Groups      map[string]any
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, u := range config.Updates {
		known[u.Ecosystem] = append(known[u.Ecosystem], u.Directories...)
		if u.Directory != "" {
			known[u.Ecosystem] = append(known[u.Ecosystem], u.Directory)
		}
		if u.Schedule.Interval != "weekly" || len(u.Groups) == 0 {
			t.Errorf("%s: interval %q, %d groups", u.Ecosystem, u.Schedule.Interval, len(u.Groups))
		}
	}
	var modules []string
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "dist" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if err == nil && d.Name() == "go.mod" {
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "..")
			modules = append(modules, "/"+strings.TrimPrefix(folder, "/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(modules)
	slices.Sort(known["gomod"])
	if !slices.Equal(modules, known["gomod"]) {
		t.Errorf("dependabot.yml knows the modules %q, the tree has %q", known["gomod"], modules)
	}
	for _, other := range []string{"github-actions", "docker"} {
		if !slices.Contains(known[other], "/") {
			t.Errorf("dependabot.yml does not know %s", other)
		}
	}
}
