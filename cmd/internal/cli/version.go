package cli

import "runtime/debug"

// Version is what the build knows of itself: the version of the module, and the compiler's.
func Version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return build.Main.Version + " " + build.GoVersion
}
