package cli

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// plain returns the text of an error of the parser or of a Validate method. The text begins with the wrong flag, and with the variable of the
// flag if it has one. Validate methods begin their errors with the name of the flag, with or without its dashes.
func plain(err error) string {
	text := fromVariable.ReplaceAllString(err.Error(), "") // the name of the variable follows the flag
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
			return name + wanted(f, after)
		}
	}
	return text
}

// wanted rewrites what the parser reports about the value of a flag. It names the values that the flag takes.
func wanted(f *kong.Flag, report string) string {
	if noValue.MatchString(report) {
		return " needs a value"
	}
	if m := flagForValue.FindStringSubmatch(report); m != nil {
		return fmt.Sprintf(" needs a value: %s is read as a flag; if it is the value, write --%s=%s", m[1], f.Name, m[1])
	}
	if m := notNumber.FindStringSubmatch(report); m != nil {
		return fmt.Sprintf(" %s: want %s", m[1], numberOf(f))
	}
	return report
}

// numberOf describes the numbers that a flag takes. The tag "range" of a flag is their range, in the words of the error for a number outside it.
func numberOf(f *kong.Flag) string {
	kind := "a number"
	switch {
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		kind = "a duration with its unit, such as 500ms or 30s"
	case f.Target.CanInt(), f.Target.CanUint():
		kind = "a whole number"
	}
	if within := f.Tag.Get("range"); within != "" {
		kind += ", " + within
	}
	return kind
}

// joinNegatives returns arguments in which a flag and a negative number after it are one argument: "--rate=-1" for "--rate", "-1". The parser
// would take the number for a flag, so that no check of the number would run.
func joinNegatives(model *kong.Application, args []string) []string {
	names := map[string]string{} // the names of flags that take a value, by their forms on a command line
	for _, node := range append(model.Leaves(false), model.Node) {
		for _, f := range node.Flags {
			if f.IsBool() || f.IsCounter() {
				continue
			}
			names["--"+f.Name] = f.Name
			if f.Short != 0 {
				names["-"+string(f.Short)] = f.Name
			}
		}
	}
	var joined []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(joined, args[i:]...)
		}
		name, ok := names[args[i]]
		if ok && i+1 < len(args) && negative.MatchString(args[i+1]) {
			joined = append(joined, "--"+name+"="+args[i+1])
			i++
			continue
		}
		joined = append(joined, args[i])
	}
	return joined
}

// The texts of the parser.
var (
	fromVariable = regexp.MustCompile(` \(from envar [A-Z0-9_]+=".*"\)`)
	flagWord     = regexp.MustCompile(`^(--)?[a-z][a-z0-9-]*`)
	noValue      = regexp.MustCompile(`^: (expected \S+ value but got "EOL"|missing value, expecting )`)
	flagForValue = regexp.MustCompile(`^: expected \S+ value but got ("(?:[^"\\]|\\.)*") \(`)
	notNumber    = regexp.MustCompile(`^: expected (?:a valid \d+ bit u?int|a float|duration) but got ("(?:[^"\\]|\\.)*")`)
)

// negative matches the begin of a negative number or duration.
var negative = regexp.MustCompile(`^-(\.?[0-9]|Inf)`)
