package evidence

import (
	"iter"
	"strings"
)

// member is a member of a list or of a dictionary of structured fields (RFC 9651, sections 3.1 and 3.2), with the
// parameters that limits have. Other parameters are skipped.
type member struct {
	key  string // in a dictionary: limit=100
	item value
	// The parameters. Of the state: what remains and until when. Of a policy: the quota, its unit, its window and, in
	// older drafts, its name.
	r, t, q, qu, w, name value
}

// members yields the readable members of a value. RFC 9651 refuses a field as a whole. Here a bad member does not hide
// the others: parsing continues after the next comma outside a string.
func members(s string) iter.Seq[member] {
	return func(yield func(member) bool) {
		for s != "" {
			m, rest, ok := parseMember(strings.TrimLeft(s, " \t"))
			rest = strings.TrimLeft(rest, " \t")
			if ok = ok && (rest == "" || rest[0] == ','); !ok {
				rest = skip(s)
			}
			if ok && !yield(m) {
				return
			}
			s = strings.TrimPrefix(rest, ",")
		}
	}
}

// skip returns s from its first comma outside strings.
func skip(s string) string {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return s[i:]
		}
	}
	return ""
}

func parseMember(s string) (m member, rest string, ok bool) {
	if key, tail := parseKey(s); key != "" && strings.HasPrefix(tail, "=") {
		m.key, s = key, tail[1:]
	}
	if m.item, s, ok = parseItem(s); !ok {
		return m, s, false
	}
	for strings.HasPrefix(s, ";") {
		key, tail := parseKey(strings.TrimLeft(s[1:], " "))
		if key == "" {
			return m, s, false
		}
		v := value{kind: other} // a parameter without a value is true
		if s = tail; strings.HasPrefix(s, "=") {
			if v, s, ok = parseItem(s[1:]); !ok {
				return m, s, false
			}
		}
		if p := m.param(key); p != nil {
			*p = v
		}
	}
	return m, s, true
}

func (m *member) param(key string) *value {
	switch key {
	case "r":
		return &m.r
	case "t":
		return &m.t
	case "q":
		return &m.q
	case "qu":
		return &m.qu
	case "w":
		return &m.w
	case "name":
		return &m.name
	default:
		return nil
	}
}

// parseKey reads the key of a parameter or of a dictionary's member, "" if there is none.
func parseKey(s string) (key, rest string) {
	if s == "" || !isLower(s[0]) && s[0] != '*' {
		return "", s
	}
	i := 1
	for i < len(s) && (isLower(s[i]) || isDigit(s[i]) || strings.IndexByte("_-.*", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
