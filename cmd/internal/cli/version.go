package cli

import "github.com/weir-go/weir/internal/version"

// Version returns the version of the module, for telemetry and for the records of replicas.
func Version() string { return version.Module() }
