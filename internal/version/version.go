// Package version names the build of this module: for people who ask a command, and for telemetry. It is the one place that knows it.
package version

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"sync"
)

// module is the path of this module in go.mod.
const module = "github.com/weir-go/weir"

// Devel is the version of a build that knows none, such as one of go run or of a test.
const Devel = "devel"

// A build from a release's archive, which is no checkout, names its version and its commit:
//
//	go build -ldflags "-X github.com/weir-go/weir/internal/version.release=v0.2.0
//		-X github.com/weir-go/weir/internal/version.commit=0123456789ab" ./cmd/worker
var release, commit string //nolint:gochecknoglobals // the linker sets them

// Module is the version of this module, such as v0.2.0, also where another program has linked it. [Devel] where the build does not know.
func Module() string { return read().version }

// Text is what a command prints: the version of the module, the commit, and the version of Go.
func Text() string {
	b := read()
	if b.commit == "" {
		return fmt.Sprintf("%s %s", b.version, b.compiler)
	}
	return fmt.Sprintf("%s (commit %s) %s", b.version, b.commit, b.compiler)
}

// build is what is known of a build.
type build struct{ version, commit, compiler string }

var read = sync.OnceValue(func() build { //nolint:gochecknoglobals // a build does not change while it runs
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(info, release, commit)
})

// of reads what the compiler and the version control have noted. A version and a commit that the linker was given win.
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
	if !own || b.commit != "" { // the commit that is noted is one of the main module
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
