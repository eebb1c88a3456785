package playlist

import (
	"bytes"
	"strings"
)

// format is a possible format of an input.
type format struct {
	name string
	is   func(peek) bool
	read func(*reader) error
}

// peek is the part of an input by which formats recognise it.
type peek struct {
	raw  []byte // the first bytes of the input
	text string // the input as UTF-8; empty if it is not text
	err  error  // why the input is not text
	head string // the beginning of the text, without space before it
	line string // its first line that is not blank, without space around it
}

const peeked = 4 << 10

func newPeek(data []byte) peek {
	p := peek{raw: bytes.Clone(data[:min(len(data), peeked)])}
	text, err := decode(data)
	if err != nil {
		p.err = err
		return p
	}
	p.text = text
	start := strings.TrimLeft(text, " \t\r\n")
	p.head = start[:min(len(start), peeked)]
	p.line, _, _ = strings.Cut(start, "\n")
	p.line = strings.TrimSpace(p.line)
	return p
}

// formats are all formats, the most specific first. The last format takes every input.
func formats() []format {
	all := binaries()
	all = append(all,
		format{"text", func(p peek) bool { return p.err != nil }, func(in *reader) error { return in.err }},
		format{"nothing", func(p peek) bool { return p.head == "" }, func(*reader) error {
			return refuse(ReasonEmpty, 0, exportAgain, "the input is empty")
		}},
	)
	all = append(all, documents()...)
	return append(all,
		format{"JSON lines", isJSONLines, readJSONLines},
		format{"JSON", isJSON, readJSON},
		format{"M3U", isM3U, readM3U},
		format{"links", isLinks, readLinks},
		format{"CSV", func(peek) bool { return true }, readTable},
	)
}
