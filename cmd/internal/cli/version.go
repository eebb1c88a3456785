package cli

import "github.com/weir-go/weir/internal/version"

// Version is the version of the module, for telemetry and for records.
func Version() string { return version.Module() }
