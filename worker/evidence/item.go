package evidence

import (
	"strconv"
	"strings"
)

// value is a bare item of structured fields (RFC 9651, section 3.3). Items that no limit has are skipped.
type value struct {
	kind kind
	text string // of a text and a token
	n    int64  // of an integer
}

type kind uint8

const (
	absent kind = iota
	integer
	text
	token
	other // a decimal, a byte sequence, a boolean or a date
)

func (v value) absent() bool { return v.kind == absent }
func (v value) counts() bool { return v.kind == integer && v.n >= 0 }

// names reports whether v can be the name of a policy. The draft wants a string; servers send tokens, too.
func (v value) names() bool { return (v.kind == text || v.kind == token) && presentable(v.text) }

func parseItem(s string) (v value, rest string, ok bool) {
	if s == "" {
		return v, s, false
	}
	switch c := s[0]; {
	case c == '"':
		return parseText(s[1:])
	case c == '-' || isDigit(c):
		return parseNumber(s)
	case c == '*' || isAlpha(c):
		i := 1
		for i < len(s) && (isAlpha(s[i]) || isDigit(s[i]) || strings.IndexByte("!#$%&'*+-.^_`|~:/", s[i]) >= 0) {
			i++
		}
		return value{kind: token, text: s[:i]}, s[i:], true
	case c == ':':
		body, rest, ok := strings.Cut(s[1:], ":")
		for i := range len(body) {
			ok = ok && (isAlpha(body[i]) || isDigit(body[i]) || strings.IndexByte("+/=", body[i]) >= 0)
		}
		return value{kind: other}, rest, ok
	case c == '?':
		if len(s) < 2 || s[1] != '0' && s[1] != '1' {
			return v, s, false
		}
		return value{kind: other}, s[2:], true
	case c == '@':
		v, rest, ok := parseNumber(s[1:])
		return value{kind: other}, rest, ok && v.kind == integer
	default: // an inner list, a display string, or no item
		return v, s, false
	}
}

// parseText reads a string after its first quote.
func parseText(s string) (v value, rest string, ok bool) {
	var unescaped strings.Builder
	start := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if unescaped.Len() == 0 {
				return value{kind: text, text: s[:i]}, s[i+1:], true
			}
			unescaped.WriteString(s[start:i])
			return value{kind: text, text: unescaped.String()}, s[i+1:], true
		case c == '\\':
			unescaped.WriteString(s[start:i])
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return v, s, false
			}
			unescaped.WriteByte(s[i])
			start = i + 1
		case c < ' ' || c > '~':
			return v, s, false
		}
	}
	return v, s, false
}

// parseNumber reads an integer of at most 15 digits, or a decimal of at most 12 and 3.
func parseNumber(s string) (v value, rest string, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	whole := leading(digits)
	end := len(s) - len(digits) + whole
	if strings.HasPrefix(s[end:], ".") {
		fraction := leading(s[end+1:])
		return value{kind: other}, s[end+1+fraction:], whole >= 1 && whole <= 12 && fraction >= 1 && fraction <= 3
	}
	if whole < 1 || whole > 15 {
		return v, s, false
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	return value{kind: integer, n: n}, s[end:], err == nil
}

// leading counts the digits at the start of s.
func leading(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isAlpha(c byte) bool { return isLower(c | 0x20) }
