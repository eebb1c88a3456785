package version

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// TestBuilds checks the version of commands of this module, and of programs of other modules that link it.
func TestBuilds(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	checkout := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	own := func(version string, settings []debug.BuildSetting) debug.BuildInfo {
		return debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Path: module, Version: version}, Settings: settings}
	}
	linked := func(m debug.Module) debug.BuildInfo {
		return debug.BuildInfo{
			GoVersion: "go1.26", Main: debug.Module{Path: "example.com/shop", Version: "v7.0.0"}, Settings: checkout("false"),
			Deps: []*debug.Module{{Path: "example.com/other", Version: "v3.0.0"}, &m},
		}
	}
	for name, c := range map[string]struct {
		info            debug.BuildInfo
		release, commit string
		want            build
	}{
		"a tag":                    {own("v0.2.0", checkout("false")), "", "", build{"v0.2.0", "0123456789ab", "go1.26"}},
		"a changed checkout":       {own("v0.2.1-0.20261127071358-0123456789ab+dirty", checkout("true")), "", "", build{"v0.2.1-0.20261127071358-0123456789ab+dirty", "0123456789ab+dirty", "go1.26"}},
		"go run":                   {own("(devel)", nil), "", "", build{Devel, "", "go1.26"}},
		"a test":                   {own("", nil), "", "", build{Devel, "", "go1.26"}},
		"go install of a version":  {own("v0.2.0", nil), "", "", build{"v0.2.0", "", "go1.26"}},
		"an archive of a release":  {own("(devel)", nil), "v0.2.0", "0123456789ab", build{"v0.2.0", "0123456789ab", "go1.26"}},
		"linked":                   {linked(debug.Module{Path: module, Version: "v0.2.0"}), "", "", build{"v0.2.0", "", "go1.26"}},
		"linked and replaced":      {linked(debug.Module{Path: module, Version: "v0.2.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v0.3.0"}}), "", "", build{"v0.3.0", "", "go1.26"}},
		"linked from a folder":     {linked(debug.Module{Path: module, Version: "v0.2.0", Replace: &debug.Module{Path: "../weir"}}), "", "", build{Devel, "", "go1.26"}},
		"nothing known":            {debug.BuildInfo{}, "", "", build{Devel, "", "unknown Go"}},
		"a part of another module": {debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Path: "example.com/shop", Version: "v7.0.0"}}, "", "", build{Devel, "", "go1.26"}},
	} {
		got := of(&c.info, c.release, c.commit)
		t.Logf("%-24s %+v", name, got)
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// program is a command of this module that prints its version.
const program = `package main

import "github.com/weir-go/weir/internal/version"

func main() { println(version.Text()) }
`

// TestVersionOfABuild builds a command of this module from a checkout with a tag and from an archive, and runs it.
func TestVersionOfABuild(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is not on the PATH, and CI is set")
		}
		t.Skip("git is not on the PATH: install it to run this test")
	}
	dir := t.TempDir()
	source, err := os.ReadFile("version.go")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"go.mod": "module " + module + "\n\ngo 1.26\n", "internal/version/version.go": string(source), "cmd/program/main.go": program,
	} {
		file = filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	prints := func(want string, flags ...string) {
		t.Helper()
		binary := filepath.Join(t.TempDir(), "program")
		in("go", append(append([]string{"build", "-o", binary}, flags...), "./cmd/program")...)
		got := in(binary)
		t.Log(got)
		if !regexp.MustCompile("^" + want + `$`).MatchString(got) {
			t.Errorf("%q, want %s", got, want)
		}
	}
	in(git, "init", "--quiet")
	in(git, "add", ".")
	in(git, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", "a release")
	in(git, "tag", "v0.98.7")
	commit := in(git, "rev-parse", "HEAD")[:12]
	prints(`v0\.98\.7 \(commit `+commit+`\) go1\.\S+`, "-buildvcs=true")
	if err := os.WriteFile(filepath.Join(dir, "changed.txt"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	prints(`v0\.98\.7\+dirty \(commit `+commit+`\+dirty\) go1\.\S+`, "-buildvcs=true")
	path := module + "/internal/version."
	prints(`v0\.98\.7 \(commit 0123456789ab\) go1\.\S+`, "-buildvcs=false", "-ldflags=-X "+path+"release=v0.98.7 -X "+path+"commit=0123456789ab")
	prints(`devel go1\.\S+`, "-buildvcs=false")
}
