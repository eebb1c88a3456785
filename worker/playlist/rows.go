package playlist

import "strings"

// rows splits a table into rows of fields, without keeping any of them.
type rows struct {
	text string
	at   int // where the next row begins
	line int // the line of that row
	sep  byte
	bare bool // texts are not quoted, and quotes are part of the texts
}

// maxColumns are the most columns of a table. Exports have up to 45.
const maxColumns = 256

// record is a row of a table.
type record struct {
	line   int
	fields []string // at most maxColumns
	wide   bool     // there are more
	cut    bool     // the input ends within this row
}

// blank reports whether a row is empty.
func (r record) blank() bool {
	for _, f := range r.fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}

// next returns the next row that is not blank. ok is false at the end.
func (t *rows) next() (r record, ok bool, err error) {
	for t.at < len(t.text) {
		if r, err = t.read(); err != nil || !r.blank() {
			return r, err == nil, err
		}
	}
	return record{}, false, nil
}

func (t *rows) read() (record, error) {
	t.line++
	r := record{line: t.line}
	for {
		field, err := t.field()
		if err != nil {
			return r, err
		}
		if len(r.fields) < maxColumns {
			r.fields = append(r.fields, field)
		} else {
			r.wide = r.wide || strings.TrimSpace(field) != ""
		}
		if t.at == len(t.text) {
			r.cut = true
			return r, nil
		}
		if t.at++; t.text[t.at-1] == '\n' {
			return r, nil
		}
	}
}

// field reads up to the next separator or end of line, without consuming it.
func (t *rows) field() (string, error) {
	rest := t.text[t.at:]
	if start := strings.TrimLeft(rest, " "); !t.bare && strings.HasPrefix(start, `"`) {
		value, after, err := t.quoted(start[1:])
		if err == nil {
			t.line += strings.Count(rest[:len(rest)-len(after)], "\n")
			t.at = len(t.text) - len(after)
			return value, nil
		}
		if t.sep != '\t' { // programs that write tabs often do not quote
			return "", err
		}
		t.bare = true
	}
	end := strings.IndexAny(rest, string([]byte{t.sep, '\n'}))
	if end < 0 {
		end = len(rest)
	}
	t.at += end
	return strings.TrimSuffix(rest[:end], "\r"), nil
}

// quoted reads a text after its opening quote. after begins with the separator or the end of the line.
func (t *rows) quoted(s string) (value, after string, err error) {
	end, doubled := 0, false
	for {
		at := strings.IndexByte(s[end:], '"')
		if at < 0 {
			return "", "", refuse(ReasonTruncated, t.line, exportAgain, "a quote is opened and not closed, the file is cut off")
		}
		if end += at; !strings.HasPrefix(s[end+1:], `"`) {
			break
		}
		doubled = true
		end += len(`""`)
	}
	value, after = s[:end], strings.TrimLeft(s[end+1:], " \r")
	if doubled {
		value = strings.ReplaceAll(value, `""`, `"`)
	}
	if after == "" || after[0] == t.sep || after[0] == '\n' {
		return value, after, nil
	}
	return "", "", refuse(ReasonMalformed, t.line, "put the text in quotes, and write each quote inside it twice", "a quote is inside a text")
}
