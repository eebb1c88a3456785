package playlist

import (
	"fmt"
	"strings"
)

// Reason sorts the refusals of Parse for callers that branch on them.
type Reason string

// The reasons of a ParseError.
const (
	ReasonEmpty     Reason = "empty"       // nothing there, or nothing but space
	ReasonNoTracks  Reason = "no tracks"   // a playlist without any that can be used
	ReasonTruncated Reason = "truncated"   // ends in the middle
	ReasonEncoding  Reason = "encoding"    // neither UTF-8 nor UTF-16
	ReasonColumns   Reason = "columns"     // what a playlist needs is not in it
	ReasonTooMany   Reason = "too many"    // more than MaxTracks tracks
	ReasonTooLarge  Reason = "too large"   // more than MaxBytes bytes
	ReasonMalformed Reason = "malformed"   // breaks the rules of its own format
	ReasonForeign   Reason = "no playlist" // something else, such as a zip archive or a web page
	ReasonChoice    Reason = "choice"      // several playlists, of which none was chosen, or not the chosen one
)

// ParseError is a refusal of Parse: what is wrong, where, and what to do about it, on one line.
type ParseError struct {
	Reason  Reason
	Line    int // of the input, from 1; 0 where the whole is meant
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

// refuse makes a ParseError of a problem that a format describes. Texts of the input belong in it through Quoted only.
func refuse(reason Reason, line int, fix, format string, args ...any) *ParseError {
	return &ParseError{Reason: reason, Line: line, Problem: fmt.Sprintf(format, args...), Fix: fix}
}

// lineAt is the line on which the byte at offset is.
func lineAt(text string, offset int64) int {
	offset = min(max(offset, 0), int64(len(text)))
	return 1 + strings.Count(text[:offset], "\n")
}
