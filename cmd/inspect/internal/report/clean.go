package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden reports whether a terminal may do something else with a character than print it in its place: controls, formats such as those that
// turn the direction of text, and what Unicode does not assign.
func hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Clean returns a text that any terminal prints as it is. A question mark replaces each character that is not printable.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return '?'
		}
		return r
	}, s)
}

// cleanJSON is a valid JSON text in which characters that cannot be printed are escapes, which mean the same.
func cleanJSON(text json.RawMessage) json.RawMessage {
	if !strings.ContainsFunc(string(text), hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r == '\n' || r == '\t' || r == '\r': // between values: a string has none
			b.WriteByte(' ')
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return json.RawMessage(b.String())
}

func cleaned(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = Clean(t)
	}
	return out
}
