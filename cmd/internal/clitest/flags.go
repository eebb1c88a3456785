package clitest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// Wrong are values that flags refuse, by the name of the flag. Where subcommands have different flags of one name, the key is the subcommand and
// the name, such as "upstream --rate".
type Wrong map[string][]string

// AnyText is what a flag has in [Wrong] that takes every text.
func AnyText() []string { return nil }

// WrongFlags gives each flag of each subcommand a value that is wrong, as a flag and as a variable: the status is 2, and the one line of the error
// begins with the flag, and with the variable where it has one. Numbers, times and choices have wrong values of their own. args are the arguments
// that a subcommand needs.
func (c Command) WrongFlags(t *testing.T, wrong Wrong, args map[string][]string) {
	tried := 0
	for _, node := range c.nodes(t) {
		if node.Type != kong.CommandNode {
			continue
		}
		command, _, _ := strings.Cut(node.Path(), " <")
		for _, f := range node.Flags {
			values, known := wrong[command+" --"+f.Name]
			if !known {
				values, known = wrong["--"+f.Name]
			}
			own := unparsable(f)
			if !known && len(own) == 0 && !f.IsBool() {
				t.Errorf("%s --%s is tried with no value: name one that is wrong, or AnyText", command, f.Name)
			}
			for _, value := range append(own, values...) {
				call := append(strings.Fields(command), args[command]...)
				c.wrong(t, f, value, append(call, "--"+f.Name+"="+value))
				tried++
				for _, variable := range f.Tag.Envs {
					t.Run("", func(t *testing.T) {
						t.Setenv(variable, value)
						c.wrong(t, f, value, call)
					})
					tried++
				}
			}
		}
	}
	t.Logf("%d wrong values", tried)
}

func (c Command) wrong(t *testing.T, f *kong.Flag, value string, args []string) {
	t.Helper()
	status, out, errs := c.run(args...)
	want := c.Name + ": --" + f.Name
	if len(f.Tag.Envs) > 0 {
		want += " (or " + strings.Join(f.Tag.Envs, ", ") + ")"
	}
	if status != cli.Usage || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, want) || strings.Count(errs, " (or "+strings.Join(f.Tag.Envs, ", ")+")") > 1 {
		t.Errorf("%v with %q: status %d, %q%q, want %q", args, value, status, out, errs, want)
	}
}

// unparsable are values that no flag of a type takes.
func unparsable(f *kong.Flag) []string {
	switch {
	case f.IsBool():
		return []string{"maybe"}
	case f.Enum != "":
		return []string{"neither"}
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		return []string{"5", "soon"}
	}
	switch f.Target.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return []string{"some"}
	}
	return nil
}
