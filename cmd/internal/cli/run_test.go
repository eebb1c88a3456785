package cli_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/internal/version"
)

// broken is a command that fails twice.
type broken struct{}

func (broken) Run() error { return errors.Join(errors.New("a call"), errors.New("the end")) }

// TestErrorsAreOneLine: whatever a command returns, stderr has one line.
func TestErrorsAreOneLine(t *testing.T) {
	var errs bytes.Buffer
	status := cli.Main("x", "", &broken{}, nil, cli.Streams{Out: io.Discard, Err: &errs})
	if want := "x: a call; the end\n"; status != cli.Failed || errs.String() != want {
		t.Errorf("status %d, %q, want %q", status, errs.String(), want)
	}
}

// pace is a flag whose type reads itself.
type pace int

func (p *pace) UnmarshalText([]byte) error { *p = 1; return nil }

// TestWrongFlagsAreNamedOnce: what is wrong with a flag is one line that names the flag.
func TestWrongFlagsAreNamedOnce(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--pace", "-1"}, "x: --pace: expected a value but got \"-1\" (short flag); perhaps try --pace=\"-1\"? (x --help tells more)\n"},
		{[]string{"--pace"}, "x: --pace: expected a value (x --help tells more)\n"},
		{[]string{"--peace=1"}, "x: unknown flag --peace, did you mean \"--pace\"? (x --help tells more)\n"},
	} {
		var errs bytes.Buffer
		status := cli.Main("x", "", &struct {
			Pace pace `name:"pace"`
		}{}, tc.args, cli.Streams{Out: io.Discard, Err: &errs})
		t.Logf("%-14q status %d, %s", tc.args, status, errs.String())
		if status != cli.Usage || errs.String() != tc.want {
			t.Errorf("%q: status %d, %q, want %q", tc.args, status, errs.String(), tc.want)
		}
	}
}

// TestVersionIsPrinted with the name of the command.
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

// TestNamesAreSaidOnce: the name of the command stands at the begin of the line alone.
func TestNamesAreSaidOnce(t *testing.T) {
	var errs bytes.Buffer
	cli.Main("x", "", &named{}, nil, cli.Streams{Out: io.Discard, Err: &errs})
	if want := "x: a drain; the end\n"; errs.String() != want {
		t.Errorf("%q, want %q", errs.String(), want)
	}
}
