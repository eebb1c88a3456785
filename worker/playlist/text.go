package playlist

import (
	"fmt"
	"strings"
	"unicode"
)

// IsBase62 says whether a text has the form of an id of Spotify: 1 to 64 letters and digits. Ids of today have 22.
func IsBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// OneLine puts a text on one line: control characters become spaces, runs of spaces one, none stay at the ends.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Clip shortens a text to so many characters, the last an ellipsis if something is missing.
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

// Quoted shows a text that came from outside in an error: on one line, short, and in quotes.
func Quoted(s string) string { return fmt.Sprintf("%q", Clip(strings.ToValidUTF8(s, "?"), 40)) }

// plural is a number and a word, with an s where the number asks for one.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
