// Package clitest tests rules that every command of the project has to follow, for all of its subcommands and flags. It reads them from the
// grammar of the command, so that it tests a new flag as well.
package clitest

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// Command is a command under test. Grammar makes a new one for each call.
type Command struct {
	Name, Description string
	Grammar           func() any
}

// run calls the command as a shell would.
func (c Command) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = cli.Main(c.Name, c.Description, c.Grammar(), args, cli.Streams{Out: &out, Err: &errs})
	return status, out.String(), errs.String()
}

// nodes returns the command itself and all of its subcommands.
func (c Command) nodes(t *testing.T) []*kong.Node {
	t.Helper()
	vars := kong.Vars{"version": ""}
	g := c.Grammar()
	if v, ok := g.(interface{ Vars() map[string]string }); ok {
		maps.Copy(vars, v.Vars())
	}
	parser, err := kong.New(g, kong.Name(c.Name), vars)
	if err != nil {
		t.Fatal(err)
	}
	return append([]*kong.Node{parser.Model.Node}, parser.Model.Leaves(false)...)
}

// columns is the width of a help text that is written to a pipe.
const columns = 80

// Help checks the help texts: their lines fit, and the text of each flag is a sentence with the default and the variable of the flag.
func (c Command) Help(t *testing.T) {
	for _, node := range c.nodes(t) {
		var path []string
		if node.Type == kong.CommandNode {
			command, _, _ := strings.Cut(node.Path(), " <")
			path = strings.Fields(command)
		}
		// If the terminal is narrower than a flag, the parser does not wrap lines.
		const anything = 1000
		for width, most := range map[string]int{"": columns, "120": cli.WidestHelp, "60": columns, "1": anything, "-1": anything, "wide": columns} {
			t.Setenv("COLUMNS", width)
			status, out, _ := c.run(append(path, "--help")...)
			widest := ""
			for line := range strings.Lines(out) {
				if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > utf8.RuneCountInString(widest) {
					widest = line
				}
			}
			n := utf8.RuneCountInString(widest)
			if width == "" {
				t.Logf("%s %s: status %d, %d lines, the widest of %d", c.Name, strings.Join(path, " "), status, strings.Count(out, "\n"), n)
			}
			if status != cli.OK || n > most || n == 0 {
				t.Errorf("%s %s in %s columns: status %d, %d columns, want %d: %s", c.Name, strings.Join(path, " "), strconv.Quote(width), status, n, most, widest)
			}
		}
		t.Setenv("COLUMNS", "")
		_, out, _ := c.run(append(path, "--help")...)
		for _, f := range node.Flags {
			switch {
			case !strings.HasSuffix(f.Help, "."):
				t.Errorf("%s --%s: the help does not end with a full stop: %s", node.FullPath(), f.Name, f.Help)
			case f.HasDefault && !strings.Contains(f.Help, f.Default):
				t.Errorf("%s --%s: the help does not name the default %s: %s", node.FullPath(), f.Name, f.Default, f.Help)
			}
			for _, variable := range f.Tag.Envs {
				if !strings.Contains(out, "$"+variable) {
					t.Errorf("%s --%s: the help does not name %s", node.FullPath(), f.Name, variable)
				}
			}
		}
		for _, p := range node.Positional {
			if !strings.HasSuffix(p.Help, ".") {
				t.Errorf("%s %s: the help does not end with a full stop: %s", node.FullPath(), p.Summary(), p.Help)
			}
		}
	}
}
