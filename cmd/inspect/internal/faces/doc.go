// Package faces prints a report as tables for a person, as JSON, or as metrics in the text form of Prometheus. Its output has no control sequences.
package faces
