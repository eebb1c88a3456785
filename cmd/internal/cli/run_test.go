package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/internal/version"
)

// broken is a command that fails twice.
type broken struct{}

func (broken) Run() error { return errors.Join(errors.New("a call"), errors.New("the end")) }

// TestErrorsAreOneLine checks that joined errors make one line on stderr.
func TestErrorsAreOneLine(t *testing.T) {
	var errs bytes.Buffer
	status := cli.Main("x", "", &broken{}, nil, cli.Streams{Out: io.Discard, Err: &errs})
	if want := "x: a call; the end\n"; status != cli.Failed || errs.String() != want {
		t.Errorf("status %d, %q, want %q", status, errs.String(), want)
	}
}

// pace is a type of a flag that parses its own text.
type pace int

func (p *pace) UnmarshalText(text []byte) error {
	if bytes.HasPrefix(text, []byte("-")) {
		return fmt.Errorf("%q: want a number above 0", text)
	}
	*p = 1
	return nil
}

// paced is a command with flags of numbers and of text.
type paced struct {
	Pace  pace          `name:"pace"`
	Count int           `short:"c" range:"1 or more"`
	Share float64       `range:"0 to 1"`
	Seed  uint64        ``
	Wait  time.Duration `range:"more than 0"`
	Name  string        ``
	Loud  bool          ``
}

// Validate refuses a count and a wait outside their ranges.
func (p *paced) Validate() error {
	switch {
	case p.Count < 0:
		return fmt.Errorf("--count %d: want 1 or more", p.Count)
	case p.Wait < 0:
		return fmt.Errorf("wait %v: want more than 0", p.Wait)
	}
	return nil
}

// Run prints the name.
func (p *paced) Run(s cli.Streams) error {
	_, err := fmt.Fprint(s.Out, p.Name)
	return err
}

// TestWrongFlagsAreNamedOnce checks the line for a wrong value of a flag: it names the flag once, and the values that the flag takes. A negative
// number after a space is a value as it is after an equals sign.
func TestWrongFlagsAreNamedOnce(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--pace", "-1"}, `--pace: "-1": want a number above 0`},
		{[]string{"--pace=-1"}, `--pace: "-1": want a number above 0`},
		{[]string{"--count", "-1"}, `--count -1: want 1 or more`},
		{[]string{"-c", "-1"}, `--count -1: want 1 or more`},
		{[]string{"--count", "-1.5"}, `--count "-1.5": want a whole number, 1 or more`},
		{[]string{"--count", "some"}, `--count "some": want a whole number, 1 or more`},
		{[]string{"--count=99999999999999999999"}, `--count "99999999999999999999": want a whole number, 1 or more`},
		{[]string{"--share", "-x"}, `--share needs a value: "-x" is read as a flag; if it is the value, write --share="-x"`},
		{[]string{"--share", "half"}, `--share "half": want a number, 0 to 1`},
		{[]string{"--seed", "-1"}, `--seed "-1": want a whole number`},
		{[]string{"--wait", "-1s"}, `--wait -1s: want more than 0`},
		{[]string{"--wait", "-.5s"}, `--wait -500ms: want more than 0`},
		{[]string{"--wait", "5"}, `--wait "5": want a duration with its unit, such as 500ms or 30s, more than 0`},
		{[]string{"--wait", "soon"}, `--wait "soon": want a duration with its unit, such as 500ms or 30s, more than 0`},
		{[]string{"--pace"}, `--pace needs a value`},
		{[]string{"--wait"}, `--wait needs a value`},
		{[]string{"--pace", "--count", "1"}, `--pace needs a value: "--count" is read as a flag; if it is the value, write --pace="--count"`},
		{[]string{"--loud", "-1"}, `unknown flag -1, did you mean one of "-h", "-c"?`},
		{[]string{"--peace=1"}, `unknown flag --peace, did you mean "--pace"?`},
	} {
		var errs bytes.Buffer
		status := cli.Main("x", "", &paced{}, tc.args, cli.Streams{Out: io.Discard, Err: &errs})
		t.Logf("%-14q status %d, %s", tc.args, status, errs.String())
		if want := "x: " + tc.want + " (x --help tells more)\n"; status != cli.Usage || errs.String() != want {
			t.Errorf("%q: status %d, %q, want %q", tc.args, status, errs.String(), want)
		}
	}
}

// TestNegativeTextIsAValue checks that a flag of text takes what looks like a negative number, unless it is after "--".
func TestNegativeTextIsAValue(t *testing.T) {
	for _, tc := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--name", "-1"}, cli.OK, "-1"},
		{[]string{"--loud", "--name", "-1", "--count", "3"}, cli.OK, "-1"},
		{[]string{"--", "--name", "-1"}, cli.Usage, ""},
	} {
		var out bytes.Buffer
		status := cli.Main("x", "", &paced{}, tc.args, cli.Streams{Out: &out, Err: io.Discard})
		if status != tc.status || out.String() != tc.want {
			t.Errorf("%q: status %d, %q, want %d, %q", tc.args, status, out.String(), tc.status, tc.want)
		}
	}
}

// TestVersionIsPrinted checks that --version prints the name of the command and the version.
func TestVersionIsPrinted(t *testing.T) {
	var out bytes.Buffer
	status := cli.Main("x", "", &struct {
		Version kong.VersionFlag `help:"Print the version and exit."`
	}{}, []string{"--version"}, cli.Streams{Out: &out, Err: io.Discard})
	if want := "x " + version.Text() + "\n"; status != cli.OK || out.String() != want {
		t.Errorf("status %d, %q, want %q", status, out.String(), want)
	}
}

// named is a command whose library begins its errors with the name of the command.
type named struct{}

func (named) Run() error { return errors.Join(errors.New("x: a drain"), errors.New("x: the end")) }

// TestNamesAreSaidOnce checks that the line of joined errors has the name of the command only at its begin.
func TestNamesAreSaidOnce(t *testing.T) {
	var errs bytes.Buffer
	cli.Main("x", "", &named{}, nil, cli.Streams{Out: io.Discard, Err: &errs})
	if want := "x: a drain; the end\n"; errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}
