// Package report holds the state of a fleet at one moment, in the words of an operator. The tables, the JSON, the live view and the page of inspect
// all show the same [Report].
//
// [New] makes a report from a fleet that package fleet has read. It is pure: it does no I/O and reads no clock. It cleans the texts from Redis, so
// that no output passes a control sequence to a terminal.
//
// [Schema] names the version of the JSON form, and a JSON Schema file describes it. Within a version fields are added, never removed or changed.
// Durations are whole milliseconds. An unknown value is null, never 0.
package report
