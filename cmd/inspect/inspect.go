package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/charmbracelet/x/term"

	"github.com/weir-go/weir/cmd/inspect/internal/check"
	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// inspectCmd is the grammar of the command line.
type inspectCmd struct {
	Show    showCmd          `cmd:"" default:"withargs" help:"Show the buckets, queues and replicas of a fleet."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Why   whyCmd   `cmd:"" help:"Show why a call waits, and until when."`
	Serve serveCmd `cmd:"" help:"Show the fleet on a web page that updates itself."`
	Check checkCmd `cmd:"" help:"Check the fleet once, for scripts and probes."`

	Pause   pauseCmd   `cmd:"" help:"Stop the calls of a bucket for the whole fleet."`
	Resume  resumeCmd  `cmd:"" help:"Open a bucket that is paused or held."`
	Limit   limitCmd   `cmd:"" help:"Set the limits of a bucket for the whole fleet."`
	Restore restoreCmd `cmd:"" help:"Set how many tokens a slow bucket holds now."`
	Unlearn unlearnCmd `cmd:"" help:"Make a bucket forget what it has learnt of its provider."`
	Shadow  shadowCmd  `cmd:"" help:"Switch shadow mode of the whole fleet, or of one bucket."`
	Drain   drainCmd   `cmd:"" help:"Ask a replica to accept no new work and to end."`
	Forget  forgetCmd  `cmd:"" help:"Remove a lost replica from the list."`
	Events  eventsCmd  `cmd:"" help:"Print what operators have done."`
}

// Vars returns the texts that help texts refer to by name.
func (*inspectCmd) Vars() map[string]string { return map[string]string{"names": check.Names} }

// common holds the flags of every command.
type common struct {
	Namespace string        `env:"WEIR_NAMESPACE" default:"weir" placeholder:"NAME" help:"Name under which the fleet shares its budget (${default})."`
	Timeout   time.Duration `default:"3s" range:"more than 0" help:"How long Redis may take to answer (${default})."`
	Width     int           `placeholder:"COLUMNS" range:"40 or more" help:"Maximum width of tables. Without it, the width of the terminal, or 80."`

	cli.RedisFlags
}

// Validate refuses values with which nothing could be read or printed.
func (c *common) Validate() error {
	switch {
	case c.Timeout <= 0:
		return fmt.Errorf("--timeout %v: want more than 0", c.Timeout)
	case c.Width != 0 && c.Width < 40:
		return fmt.Errorf("--width %d: want 40 or more", c.Width)
	}
	if limiter.ValidateName("namespace", c.Namespace) != nil {
		return fmt.Errorf("--namespace %q: want 1 to 100 bytes without blanks and braces", c.Namespace)
	}
	return nil
}

// open returns a source that reads from the Redis of REDIS_URL, or of 127.0.0.1:6379 without that variable.
func (c *common) open() (*watch.Source, error) {
	r, err := c.Open(cmp.Or(os.Getenv("REDIS_URL"), "redis://127.0.0.1:6379"))
	if err != nil {
		return nil, err
	}
	return watch.Open(r, c.Namespace, c.Timeout), nil
}

// width returns how many columns a table may have.
func (c *common) width(s cli.Streams) int {
	if f, ok := s.Out.(*os.File); ok && c.Width == 0 {
		if w, _, err := term.GetSize(f.Fd()); err == nil && w >= 40 {
			return w
		}
	}
	return cmp.Or(c.Width, faces.Width)
}

type whyCmd struct {
	Names []string `arg:"" name:"name" help:"A route or a bucket, or the buckets that the call passes, narrowest first."`

	common

	JSON bool `name:"json" help:"Print one JSON object instead of text."`
}

// Run reads the fleet once and prints why a call made now would wait.
func (c *whyCmd) Run(ctx context.Context, s cli.Streams) error {
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	w, err := src.Why(ctx, c.Names...)
	if err != nil {
		return err
	}
	if c.JSON {
		return faces.JSON(s.Out, w, false)
	}
	return faces.Why(s.Out, w, c.width(s))
}
