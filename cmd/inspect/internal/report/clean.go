package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// Clean returns s with a question mark in place of each character that is not printable, so that any terminal prints it as it is.
func Clean(s string) string { return cli.Clean(s) }

// cleanJSON returns a JSON text of the same meaning in which unprintable characters are escaped. text must be valid.
func cleanJSON(text json.RawMessage) json.RawMessage {
	if !strings.ContainsFunc(string(text), cli.Hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r == '\n' || r == '\t' || r == '\r': // between values: strings have them only as escapes
			b.WriteByte(' ')
		case !cli.Hidden(r):
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
