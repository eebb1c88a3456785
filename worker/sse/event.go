package sse

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Event is one message of a stream.
type Event struct {
	// ID is what a browser that reconnects sends as Last-Event-ID; empty sends no id. Read fills it with the id last
	// seen, as a browser does, so it outlives the event that brought it.
	ID string
	// Name is the type that a client listens for; empty sends none, which a browser takes for "message".
	Name string
	// Data may hold line breaks; CR, LF and CRLF all arrive as LF.
	Data []byte
	// Key marks an event that a later one with the same key makes worthless, such as a progress count; empty marks
	// none. It is never sent: it tells whoever keeps events which of them may be left out.
	Key string
}

// FieldError reports an event that cannot be sent: its ID or Name holds CR, LF or NUL, each of which would end the
// field early or make clients ignore it.
type FieldError struct {
	Field string // as on the wire: "id" or "event"
	Value string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("sse: the %s field holds a line break or NUL: %q", e.Field, e.Value)
}

// MaxEvent is the most bytes that an event takes on the wire, from its first field to its blank line. [Event.Frame] refuses longer ones,
// and [Read] ends at one.
const MaxEvent = 4 << 20

// ErrTooLong is for an event of more than [MaxEvent] bytes.
var ErrTooLong = errors.New("sse: event longer than 4 MiB")

// AppendText appends the event in wire form to b. Invalid UTF-8 becomes U+FFFD. The error is a [*FieldError] or
// [ErrTooLong], with which b comes back as it was.
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
	// Empty data still gets its line: an event without one is not dispatched.
	for data, more := bytes.ToValidUTF8(e.Data, []byte("\uFFFD")), true; more; {
		var line []byte
		line, data, more = cutLine(data)
		b = append(append(append(b, "data: "...), line...), '\n')
		if len(b)-before >= MaxEvent { // the blank line comes yet; many short lines take much more than their data
			return b[:before], ErrTooLong
		}
	}
	return append(b, '\n'), nil
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, strings.ToValidUTF8(value, "\uFFFD")...), '\n')
}

// cutLine splits data after its first line, at whichever of CR, LF and CRLF comes first.
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
