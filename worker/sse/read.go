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

// Read yields the events of the stream r as they arrive, by the rules of browsers. Lines end in LF, CR or CRLF.
// Comments and a byte-order mark at the start are skipped. If the stream ends before the blank line of an event, the
// event is dropped. The retry field is ignored, because Read does not reconnect.
//
// The end of the stream ends the sequence. Any other error of r is yielded last, without an event, and so is
// [ErrTooLong] for an event of more than [MaxEvent] bytes, including comments within the event. A caller that expects a
// certain last event must check that it came.
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

// parser holds the part of the present event that has arrived.
type parser struct {
	id      string // of the stream: kept for later events
	name    string
	data    []byte
	hasData bool
}

// line takes the next line, and returns the event if the line completes one.
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
		// A header cannot contain a NUL, so browsers, which send the id back in a header, ignore such an id.
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
	left    int // bytes that may still come up to the end of the next blank line; the LF of a CRLF is not counted
}

// next returns the next whole line, without its end. The line is valid until the next call. Bytes after the last line
// end are no line.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		c, err := l.r.ReadByte()
		if err != nil {
			return nil, err
		}
		// A CR ends its line at once. Whether an LF follows is only known when more bytes arrive. Waiting for the next
		// byte would delay the event until the next event.
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
