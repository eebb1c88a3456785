package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Read yields the events of the stream r as they arrive, by the rules that browsers follow: lines end in LF, CR or
// CRLF, comments and a byte-order mark at the start are skipped, an event that the stream cuts off before its blank line
// is dropped. The retry field is ignored, since Read does not reconnect.
//
// The end of the stream ends the sequence; any other error of r, or [ErrTooLong] for an event of more than [MaxEvent] bytes, comments within
// it included, is yielded last, with no event. A caller that waits for a certain last event has to notice that it never came.
func Read(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := lineReader{r: bufio.NewReader(r), left: MaxEvent}
		var p parser
		for first := true; ; first = false {
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if first {
				line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			}
			ev, complete := Event{}, false
			if err == nil {
				ev, complete = p.line(line)
			}
			if err != nil {
				yield(Event{}, fmt.Errorf("sse: read: %w", err))
				return
			}
			if complete && !yield(ev, nil) {
				return
			}
		}
	}
}

// parser holds what is known of the event whose lines are coming in.
type parser struct {
	id      string // of the stream: survives the event
	name    string
	data    []byte
	hasData bool
}

// line takes the next line, and returns the event that it completes, if it does.
func (p *parser) line(line []byte) (ev Event, complete bool) {
	if len(line) == 0 {
		ev, complete = Event{ID: p.id, Name: p.name, Data: p.data}, p.hasData
		*p = parser{id: p.id}
		return ev, complete
	}
	field, value, _ := bytes.Cut(line, []byte(":")) // a comment is a line whose field has no name
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "id":
		// A NUL does not survive the header in which browsers send the id back, so they ignore such an id.
		if bytes.IndexByte(value, 0) < 0 {
			p.id = strings.ToValidUTF8(string(value), "\uFFFD")
		}
	case "event":
		p.name = strings.ToValidUTF8(string(value), "\uFFFD")
	case "data":
		if p.hasData {
			p.data = append(p.data, '\n')
		}
		p.hasData = true
		p.data = append(p.data, bytes.ToValidUTF8(value, []byte("\uFFFD"))...)
	}
	return Event{}, false
}

// lineReader cuts a stream into lines.
type lineReader struct {
	r       *bufio.Reader
	buf     []byte
	afterCR bool
	left    int // bytes that may come before the next blank line ends; the LF of a CRLF is not counted
}

// next returns the next whole line, without its end; it is valid until the next call. What the stream holds after the
// last line end is no line.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		c, err := l.r.ReadByte()
		if err != nil {
			return nil, err
		}
		// A CR ends its line at once; whether an LF belongs to it shows when more arrives. Waiting for that byte would
		// hold the event back until the next one.
		if c == '\n' && l.afterCR {
			l.afterCR = false
			continue
		}
		if l.left == 0 {
			return nil, ErrTooLong
		}
		l.left--
		l.afterCR = c == '\r'
		if c == '\r' || c == '\n' {
			if len(l.buf) == 0 {
				l.left = MaxEvent
			}
			return l.buf, nil
		}
		l.buf = append(l.buf, c)
	}
}
