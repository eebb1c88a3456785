package playlist

import (
	"fmt"
	"strings"
)

// Reason sorts the refusals of Parse for callers that branch on them.
type Reason string

// The reasons of a ParseError.
const (
	ReasonEmpty     Reason = "empty"       // no input, or only white space
	ReasonNoTracks  Reason = "no tracks"   // a playlist without a usable track
	ReasonTruncated Reason = "truncated"   // ends in the middle
	ReasonEncoding  Reason = "encoding"    // neither UTF-8 nor UTF-16
	ReasonColumns   Reason = "columns"     // the columns of a playlist are missing
	ReasonTooMany   Reason = "too many"    // more than MaxTracks tracks
	ReasonTooLarge  Reason = "too large"   // more than MaxBytes bytes
	ReasonMalformed Reason = "malformed"   // breaks the rules of its own format
	ReasonForeign   Reason = "no playlist" // something else, such as a zip archive or a web page
	ReasonChoice    Reason = "choice"      // several playlists and none chosen, or the chosen one is missing
)

// ParseError is a refusal of Parse: what is wrong, where, and what to do about it, on one line.
type ParseError struct {
	Reason  Reason
	Line    int // of the input, from 1; 0 for the whole input
	Problem string
	Fix     string
}

func (e *ParseError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("playlist: line %d: %s; %s", e.Line, e.Problem, e.Fix)
	}
	return fmt.Sprintf("playlist: %s; %s", e.Problem, e.Fix)
}

const exportAgain = "export the playlist again"

// refuse makes a ParseError of a problem that a format describes. Use Quoted for texts of the input.
func refuse(reason Reason, line int, fix, format string, args ...any) *ParseError {
	return &ParseError{Reason: reason, Line: line, Problem: fmt.Sprintf(format, args...), Fix: fix}
}

// lineAt returns the line of the byte at offset.
func lineAt(text string, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + strings.Count(text[:offset], "\n")
}
