package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/inspect/internal/tui"
	"github.com/weir-go/weir/cmd/internal/cli"
)

type showCmd struct {
	common

	Output string        `short:"o" enum:"auto,tui,table,wide,json,jsonl,prom" default:"auto" help:"One of tui, table, wide, json, jsonl, prom. auto is the live view if input and output are terminals, else table."`
	JSON   bool          `name:"json" help:"The same as -o json."`
	Watch  time.Duration `placeholder:"INTERVAL" range:"200ms or more" help:"Print again after each INTERVAL, 200ms or more, until interrupted. The live view reads Redis at this interval; without it every 2s."`
	Once   bool          `help:"Print once, even if input and output are terminals."`
	Filter string        `placeholder:"REGEXP" help:"Show only buckets, routes and batches whose names match. !REGEXP shows all others."`
	Write  bool          `help:"Let the live view pause and resume buckets, and drain and forget replicas. It asks for the name first."`
	Stale  time.Duration `default:"10s" range:"more than 0" help:"Age from which the live view marks its data as stale (${default})."`
}

// Validate refuses values that cannot work, and flags that contradict each other.
func (c *showCmd) Validate() error {
	if err := c.common.Validate(); err != nil {
		return err
	}
	if c.Watch != 0 && c.Watch < 200*time.Millisecond {
		return fmt.Errorf("--watch %v: want 200ms or more", c.Watch)
	}
	if c.Once && c.Watch != 0 {
		return errors.New("--once and --watch contradict each other")
	}
	if c.Once && c.Output == "tui" {
		return errors.New("--once and -o tui contradict each other")
	}
	if c.Stale <= 0 {
		return fmt.Errorf("--stale %v: want more than 0", c.Stale)
	}
	if _, err := report.ParseFilter(c.Filter); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return nil
}

// face returns the form of the output. auto becomes tui if the live view can be shown, else table.
func (c *showCmd) face(s cli.Streams) string {
	switch {
	case c.JSON:
		return "json"
	case c.Output != "auto":
		return c.Output
	case !c.Once && live(s):
		return "tui"
	}
	return "table"
}

// live reports whether the live view can be shown. Run must know before it starts the view, which would otherwise open the terminal by itself.
func live(s cli.Streams) bool { return terminal(os.Stdin) && terminal(s.Out) }

func terminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// The exit statuses that only inspect has.
const (
	nobodyStatus  = 5 // no replica has published a record
	partialStatus = 6 // some records could not be read or are incomplete
)

// Run shows what the fleet is doing now.
func (c *showCmd) Run(ctx context.Context, s cli.Streams) error {
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	keep, err := report.ParseFilter(c.Filter)
	if err != nil {
		return err
	}
	face := c.face(s)
	if face == "tui" && !live(s) {
		return cli.Usagef("the live view needs a terminal for input and output, and TERM other than dumb; -o table --watch 2s prints the tables every 2 s")
	}
	if face == "tui" {
		view := tui.Config{
			Namespace: c.Namespace, Addr: src.Addr(), Read: src.Read, Why: src.WhyBucket, Events: src.Events, Interval: c.Watch, Stale: c.Stale, Filter: keep,
		}
		if c.Write {
			view.Act = func(ctx context.Context, d tui.Deed) error { return src.Do(ctx, whoami(), d.Do, d.Name) }
		}
		return tui.Run(ctx, view)
	}
	for {
		r, err := src.Read(ctx)
		switch {
		case err == nil:
			keep.Apply(r)
			err = c.print(s.Out, face, r, c.width(s))
			if err == nil && c.Watch == 0 {
				err = verdict(r)
			}
			if err != nil {
				return err
			}
		case c.Watch == 0 || ctx.Err() != nil:
			return err
		default: // Redis may answer again
			_, _ = fmt.Fprintf(s.Err, "inspect: %v\n", err)
		}
		if c.Watch == 0 {
			return nil
		}
		select {
		case <-time.After(c.Watch):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *showCmd) print(out io.Writer, face string, r *report.Report, width int) error {
	switch face {
	case "json":
		return faces.JSON(out, r, false)
	case "jsonl":
		return faces.JSON(out, r, false)
	case "prom":
		return faces.Prom(out, r)
	}
	return faces.Table(out, r, width, face == "wide")
}

// verdict returns nil, or an error with the exit status of the report.
func verdict(r *report.Report) error {
	switch {
	case len(r.Replicas) == 0:
		return &cli.Error{Status: nobodyStatus, Err: fmt.Errorf("no replica of namespace %s has published a record", r.Namespace)}
	case r.Partial:
		return &cli.Error{Status: partialStatus, Err: errors.New("some records could not be read or are incomplete")}
	}
	return nil
}
