package cli

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden reports whether a terminal may do something other than print r: r is a control character, a format character (for example one that
// changes the direction of text), a character that Unicode does not assign, or [utf8.RuneError].
func Hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Clean returns s with a question mark in place of each [Hidden] character.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if Hidden(r) {
			return '?'
		}
		return r
	}, s)
}
