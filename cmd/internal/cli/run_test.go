package cli_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/weir-go/weir/cmd/internal/cli"
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
