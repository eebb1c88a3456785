// Package report is what inspect knows of a fleet at one moment, in the words of an operator. All faces of inspect show the same [Report]: the
// tables, JSON, the terminal and the page.
//
// [New] makes one from what package fleet has read. It is pure: it asks nobody and reads no clock. Texts from Redis are cleaned here, once, so that
// no face can pass a terminal's control sequence on.
//
// The JSON form is named by [Schema] and held by a JSON Schema file. Within a version fields are only ever added. Durations are whole milliseconds;
// what is unknown is null, never 0.
package report
