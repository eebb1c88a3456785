package playlist

import (
	"bytes"
	"fmt"
	"strings"
)

// Reason sorts the refusals of Parse for callers that branch on them.
type Reason string

// The reasons of a ParseError.
const (
	ReasonEmpty     Reason = "empty"     // nothing there, or nothing but space
	ReasonNoTracks  Reason = "no tracks" // a playlist without any
	ReasonTruncated Reason = "truncated" // ends in the middle, or a row lost its end
	ReasonEncoding  Reason = "encoding"  // not UTF-8
	ReasonColumns   Reason = "columns"   // what a playlist needs is not in it
	ReasonTooMany   Reason = "too many"  // more than MaxTracks tracks
	ReasonTooLarge  Reason = "too large" // more than MaxBytes bytes
	ReasonMalformed Reason = "malformed" // neither CSV nor JSON, or a value that cannot be
)

// ParseError is a refusal of Parse: what is wrong, where, and what to do about it, on one line.
type ParseError struct {
	Reason  Reason
	Line    int // of the input, from 1; 0 where the whole is meant
	Problem string
	Mend    string
}

func (e *ParseError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("playlist: line %d: %s; %s", e.Line, e.Problem, e.Mend)
	}
	return fmt.Sprintf("playlist: %s; %s", e.Problem, e.Mend)
}

const exportAgain = "export the playlist again"

// refuse makes a ParseError of a problem that a format describes. Texts of the input belong in it through Quoted only.
func refuse(reason Reason, line int, mend, format string, args ...any) *ParseError {
	return &ParseError{Reason: reason, Line: line, Problem: fmt.Sprintf(format, args...), Mend: mend}
}

// Quoted shows a text that came from outside in an error: on one line, short, and in quotes.
func Quoted(s string) string { return fmt.Sprintf("%q", Clip(strings.ToValidUTF8(s, "?"), 40)) }

// lineAt is the line on which the byte at offset stands.
func lineAt(data []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(data)))
	return 1 + bytes.Count(data[:offset], []byte{'\n'})
}
