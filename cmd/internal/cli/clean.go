package cli

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden reports whether a terminal may do something else with a character than print it in its place: controls, formats such as those that
// turn the direction of text, and what Unicode does not assign.
func Hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Clean returns a text that any terminal prints as it is. A question mark replaces each character that is not printable.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if Hidden(r) {
			return '?'
		}
		return r
	}, s)
}
