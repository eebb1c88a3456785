package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// plain is the text of an error of the parser, or of a Validate method, for the person who called: it begins with the flag that is wrong, and
// with the variable that may have set it. Validate methods begin their errors with the name of the flag, with or without its dashes.
func plain(err error) string {
	// The parser calls the value of a flag that reads itself a "value value", and the end of the line a value.
	text := strings.NewReplacer("expected value value", "expected a value", ` but got "EOL" (<EOL>)`, "").Replace(err.Error())
	text = fromVariable.ReplaceAllString(text, "") // said beside the flag
	e, ok := errors.AsType[*kong.ParseError](err)
	if !ok || e.Context == nil {
		return text
	}
	node := e.Context.Selected()
	if node == nil {
		node = e.Context.Model.Node
	}
	text = strings.TrimPrefix(text, node.Path()+": ")
	word := flagWord.FindString(text)
	for _, flags := range node.AllFlags(false) {
		for _, f := range flags {
			after := strings.TrimPrefix(text, word)
			if strings.TrimPrefix(word, "--") != f.Name || strings.HasPrefix(after, " (or ") {
				continue
			}
			name := "--" + f.Name
			if len(f.Tag.Envs) > 0 {
				name += " (or " + strings.Join(f.Tag.Envs, ", ") + ")"
			}
			return name + after
		}
	}
	return text
}

var (
	fromVariable = regexp.MustCompile(` \(from envar [A-Z0-9_]+=".*"\)`)
	flagWord     = regexp.MustCompile(`^(--)?[a-z][a-z0-9-]*`)
)
