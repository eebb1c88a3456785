// Package faces prints a report once: as tables for a person, as JSON, and as metrics in the text form of Prometheus. It writes no control
// sequences.
package faces
