// Package version returns the version of this build, for the flag --version, for telemetry and for the records of replicas.
package version

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"sync"
)

// module is the path of this module in go.mod.
const module = "github.com/weir-go/weir"

// Devel is the version of a build without a version, for example of go run or of a test.
const Devel = "devel"

// A build from the archive of a release has no version control. Its command sets the version and the commit:
//
//	go build -ldflags "-X github.com/weir-go/weir/internal/version.release=v0.2.0
//		-X github.com/weir-go/weir/internal/version.commit=0123456789ab" ./cmd/worker
var release, commit string //nolint:gochecknoglobals // the linker sets them

// Module returns the version of this module, such as v0.2.0, also in a program of another module. It returns [Devel] if the version is not known.
func Module() string { return read().version }

// Text returns the version of the module, the commit and the version of Go, as --version prints them.
func Text() string {
	b := read()
	if b.commit == "" {
		return fmt.Sprintf("%s %s", b.version, b.compiler)
	}
	return fmt.Sprintf("%s (commit %s) %s", b.version, b.commit, b.compiler)
}

// build is the version of a build; commit is "" if it is not known.
type build struct{ version, commit, compiler string }

var read = sync.OnceValue(func() build { //nolint:gochecknoglobals // a build does not change while it runs
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(info, release, commit)
})

// of returns the build that info describes. A release and a commit that are not empty take precedence over info.
func of(info *debug.BuildInfo, release, commit string) build {
	b := build{version: release, commit: commit, compiler: cmp.Or(info.GoVersion, "unknown Go")}
	own := info.Main.Path == module
	main := info.Main
	for _, d := range info.Deps {
		if d.Path == module {
			main = *d
			if d.Replace != nil {
				main = *d.Replace
			}
		}
	}
	if b.version == "" && main.Version != "(devel)" && (own || main.Path != info.Main.Path) {
		b.version = main.Version
	}
	b.version = cmp.Or(b.version, Devel)
	if !own || b.commit != "" { // the commit in info is the commit of the main module
		return b
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if b.commit != "" {
		b.commit += dirty
	}
	return b
}
