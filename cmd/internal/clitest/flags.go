package clitest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// Wrong are values that flags refuse, by the name of the flag. If subcommands have different flags of the same name, the key is the subcommand and
// the name, such as "upstream --rate".
type Wrong map[string][]string

// AnyText is the entry in [Wrong] of a flag that takes every text.
func AnyText() []string { return nil }

// WrongFlags sets each flag of each subcommand to wrong values: after an equals sign, after a space, and through the variable of the flag. The
// status has to be 2. The error has to be one line that begins with the names of the flag and of its variable. Numbers, durations and choices have
// wrong values of their own, and the error for a number that cannot be parsed has to name the range of the flag. args are the arguments that a
// subcommand needs.
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
				t.Errorf("%s --%s has no wrong value: add one, or AnyText", command, f.Name)
			}
			for _, value := range append(own, values...) {
				call := append(strings.Fields(command), args[command]...)
				c.wrong(t, f, value, append(call, "--"+f.Name+"="+value))
				if !f.IsBool() {
					c.wrong(t, f, value, append(call, "--"+f.Name, value))
				}
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
	if number(f) && slices.Contains(unparsable(f), value) && (!strings.Contains(errs, ": want ") || !strings.Contains(errs, f.Tag.Get("range"))) {
		t.Errorf("%v with %q: %q does not name the range %q", args, value, errs, f.Tag.Get("range"))
	}
	want := c.Name + ": --" + f.Name
	if len(f.Tag.Envs) > 0 {
		want += " (or " + strings.Join(f.Tag.Envs, ", ") + ")"
	}
	if status != cli.Usage || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, want) || strings.Count(errs, " (or "+strings.Join(f.Tag.Envs, ", ")+")") > 1 {
		t.Errorf("%v with %q: status %d, %q%q, want %q", args, value, status, out, errs, want)
	}
}

// unparsable returns values that no flag of the type of f takes.
func unparsable(f *kong.Flag) []string {
	switch {
	case f.IsBool():
		return []string{"maybe"}
	case f.Enum != "":
		return []string{"neither"}
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		return []string{"5", "soon"}
	}
	if number(f) {
		return []string{"some"}
	}
	return nil
}

// number reports whether the parser reads the value of a flag as a number or a duration.
func number(f *kong.Flag) bool {
	return !f.IsBool() && (f.Target.CanInt() || f.Target.CanUint() || f.Target.CanFloat())
}
