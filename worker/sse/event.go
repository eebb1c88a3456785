package sse

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Event is one message of a stream.
type Event struct {
	// ID is what a browser that reconnects sends as Last-Event-ID; empty sends no id. Read sets it to the latest id of
	// the stream, as a browser does, even if an earlier event had that id.
	ID string
	// Name is the type that a client listens for; empty sends none, which browsers treat as "message".
	Name string
	// Data may contain line breaks; CR, LF and CRLF all arrive as LF.
	Data []byte
	// Key is set if a later event with the same key replaces this event, for example a progress count; empty marks
	// none. It is never sent. A log of events may leave out replaced events.
	Key string
}

// FieldError reports an event that cannot be sent: its ID or Name contains CR, LF or NUL, which would end the field
// early or make clients ignore it.
type FieldError struct {
	Field string // as on the wire: "id" or "event"
	Value string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("sse: the %s field holds a line break or NUL: %q", e.Field, e.Value)
}

// MaxEvent is the most bytes that an event takes on the wire, from its first field to its blank line. [Event.Frame]
// refuses a longer event, and [Read] ends at a longer event.
const MaxEvent = 4 << 20

// ErrTooLong reports an event of more than [MaxEvent] bytes.
var ErrTooLong = errors.New("sse: event longer than 4 MiB")

// AppendText appends the event in wire form to b. Invalid UTF-8 becomes U+FFFD. The error is a [*FieldError] or
// [ErrTooLong]; AppendText then returns b unchanged.
func (e Event) AppendText(b []byte) ([]byte, error) {
	before := len(b)
	if len(e.ID)+len(e.Name)+len(e.Data) > MaxEvent {
		return b, ErrTooLong
	}
	for _, f := range [...]FieldError{{"id", e.ID}, {"event", e.Name}} {
		if strings.ContainsAny(f.Value, "\r\n\x00") {
			return b, &f
		}
	}
	if e.ID != "" {
		b = appendField(b, "id", e.ID)
	}
	if e.Name != "" {
		b = appendField(b, "event", e.Name)
	}
	// Empty data still gets its line: clients do not dispatch an event without a data line.
	for data, more := bytes.ToValidUTF8(e.Data, []byte("\uFFFD")), true; more; {
		var line []byte
		line, data, more = cutLine(data)
		b = append(append(append(b, "data: "...), line...), '\n')
		if len(b)-before >= MaxEvent { // the blank line still follows; many short lines take much more than their data
			return b[:before], ErrTooLong
		}
	}
	return append(b, '\n'), nil
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, strings.ToValidUTF8(value, "\uFFFD")...), '\n')
}

// cutLine splits data after its first line, at the first CR, LF or CRLF.
func cutLine(data []byte) (line, rest []byte, more bool) {
	i := bytes.IndexAny(data, "\r\n")
	if i < 0 {
		return data, nil, false
	}
	end := i + 1
	if bytes.HasPrefix(data[i:], []byte("\r\n")) {
		end++
	}
	return data[:i], data[end:], true
}
