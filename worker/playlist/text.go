package playlist

import (
	"fmt"
	"strings"
	"unicode"
)

// IsBase62 reports whether a text has the form of an id of Spotify: 1 to 64 letters and digits. Present ids have 22.
func IsBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// OneLine returns a text on one line: control characters become spaces, runs of spaces become one space, and spaces at
// the ends are removed.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Clip shortens a text to a number of characters. The last is an ellipsis if the text was cut.
func Clip(s string, characters int) string {
	n, cut := 0, 0
	for at := range s {
		switch n {
		case characters - 1:
			cut = at
		case characters:
			return s[:cut] + "…"
		}
		n++
	}
	return s
}

// Quoted returns an outside text for use in an error: on one line, short, and in quotes.
func Quoted(s string) string { return fmt.Sprintf("%q", Clip(strings.ToValidUTF8(s, "?"), 40)) }

// plural returns a number and a word, in the plural if needed.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
