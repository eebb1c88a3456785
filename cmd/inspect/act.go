package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// acting holds the flags of every command that changes the fleet.
type acting struct {
	common

	Write bool `help:"Allow this command to change the fleet."`
	Yes   bool `help:"Do not ask for the name to be typed."`
}

// act runs change. It returns an error without --write, and if the operator does not type name; --yes skips the question.
// what describes the change to the operator.
func (c *acting) act(ctx context.Context, s cli.Streams, name, what string, change func(ctx context.Context, o *limiter.Operator) error) error {
	if !c.Write {
		return cli.Usagef("this changes the fleet: add --write")
	}
	if !c.Yes {
		if !term.IsTerminal(os.Stdin.Fd()) {
			return cli.Usagef("the input is not a terminal, so nobody can type %q: add --yes", name)
		}
		_, _ = fmt.Fprintf(s.Err, "%s in namespace %s. Type its name to go on: ", what, c.Namespace)
		answered := make(chan error, 1)
		go func() { answered <- typed(os.Stdin, name) }() // only input ends this read
		select {
		case err := <-answered:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			_, _ = fmt.Fprintln(s.Err)
			return &cli.Error{Status: cli.Interrupted, Err: errors.New("interrupted, nothing was changed")}
		}
	}
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	if err := src.Act(ctx, whoami(), change); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s: done\n", what)
	return err
}

// typed reads a line and returns an error unless the line is name.
func typed(in io.Reader, name string) error {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return errors.New("nothing was typed, nothing was changed")
	}
	if strings.TrimSpace(line) != name {
		return errors.New("another name was typed, nothing was changed")
	}
	return nil
}

// whoami returns user@host, under which a change is recorded.
func whoami() string {
	name := cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"))
	if u, err := user.Current(); err == nil && name == "" {
		name = u.Username
	}
	host, _ := os.Hostname()
	return cmp.Or(name, "somebody") + "@" + cmp.Or(host, "somewhere")
}

type pauseCmd struct {
	Bucket string         `arg:"" help:"The bucket."`
	For    *time.Duration `placeholder:"DURATION" range:"more than 0" help:"How long the pause lasts. Without it, until somebody resumes the bucket."`

	acting
}

// Validate refuses a duration that is not above 0.
func (c *pauseCmd) Validate() error {
	if c.For != nil && *c.For <= 0 {
		return fmt.Errorf("--for %v: want more than 0", *c.For)
	}
	return c.common.Validate()
}

// Run pauses a bucket.
func (c *pauseCmd) Run(ctx context.Context, s cli.Streams) error {
	d, what := limiter.UntilResumed, fmt.Sprintf("Pause bucket %s until somebody resumes it", c.Bucket)
	if c.For != nil {
		d, what = *c.For, fmt.Sprintf("Pause bucket %s for %v", c.Bucket, *c.For)
	}
	return c.act(ctx, s, c.Bucket, what, func(ctx context.Context, o *limiter.Operator) error {
		return o.Pause(ctx, c.Bucket, d)
	})
}

type resumeCmd struct {
	Bucket string `arg:"" help:"The bucket."`

	acting
}

// Run resumes a bucket.
func (c *resumeCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.act(ctx, s, c.Bucket, fmt.Sprintf("Resume bucket %s, and end the hold that a provider has asked for", c.Bucket), func(ctx context.Context, o *limiter.Operator) error {
		return o.Resume(ctx, c.Bucket)
	})
}

type limitCmd struct {
	Bucket string   `arg:"" help:"The bucket."`
	Limits []string `arg:"" optional:"" placeholder:"LIMIT" help:"All limits of the bucket, each as TOKENS/DURATION, TOKENS/DURATION:BURST, or TOKENS/DURATION:window. Without any, the limits that the replicas are configured with."`

	acting
}

// Validate refuses a text that is not a limit.
func (c *limitCmd) Validate() error {
	_, err := parseLimits(c.Limits)
	return errors.Join(c.common.Validate(), err)
}

// Run sets the limits of a bucket.
func (c *limitCmd) Run(ctx context.Context, s cli.Streams) error {
	limits, err := parseLimits(c.Limits)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("Set bucket %s to the limits that its replicas are configured with", c.Bucket)
	if len(limits) > 0 {
		what = fmt.Sprintf("Set bucket %s to %s", c.Bucket, strings.Join(c.Limits, " and "))
	}
	return c.act(ctx, s, c.Bucket, what, func(ctx context.Context, o *limiter.Operator) error { return o.Configure(ctx, c.Bucket, limits...) })
}

func parseLimits(texts []string) (out []limiter.Limit, err error) {
	for _, text := range texts {
		rate, burst, _ := strings.Cut(text, ":")
		n, per, ok := strings.Cut(rate, "/")
		if per != "" && (per[0] < '0' || per[0] > '9') {
			per = "1" + per // 40/s
		}
		tokens, err := strconv.ParseInt(n, 10, 64)
		d, err2 := time.ParseDuration(per)
		if !ok || err != nil || err2 != nil || tokens < 1 || d <= 0 {
			return nil, fmt.Errorf("limit %q: want TOKENS/DURATION, such as 40/s, 40/1s:80, 1000/24h:1, 100/1m:window", text)
		}
		l := limiter.Limit{Tokens: tokens, Per: d}
		switch {
		case burst == "window":
			l = limiter.PerWindow(tokens, d)
		case burst != "":
			if l.Burst, err = strconv.ParseInt(burst, 10, 64); err != nil || l.Burst < 1 {
				return nil, fmt.Errorf("limit %q: burst %q: want 1 or more, or window", text, burst)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

type restoreCmd struct {
	Bucket string `arg:"" help:"The bucket."`
	Tokens int64  `arg:"" range:"0 or more" help:"The new number of tokens. A number above the burst means the burst. Window limits do not change."`

	acting
}

// Validate refuses a negative number of tokens.
func (c *restoreCmd) Validate() error {
	if c.Tokens < 0 {
		return fmt.Errorf("<tokens> %d: want 0 or more", c.Tokens)
	}
	return c.common.Validate()
}

// Run sets how many tokens a bucket holds.
func (c *restoreCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.act(ctx, s, c.Bucket, fmt.Sprintf("Set bucket %s to hold %d tokens now", c.Bucket, c.Tokens), func(ctx context.Context, o *limiter.Operator) error {
		return o.Restore(ctx, c.Bucket, c.Tokens)
	})
}

type unlearnCmd struct {
	Bucket string `arg:"" help:"The bucket."`

	acting
}

// Run makes a bucket forget what it has learnt of its provider.
func (c *unlearnCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.act(ctx, s, c.Bucket, fmt.Sprintf("Make bucket %s forget what it has learnt of its provider", c.Bucket), func(ctx context.Context, o *limiter.Operator) error {
		return o.Unlearn(ctx, c.Bucket)
	})
}

type shadowCmd struct {
	Mode   string `arg:"" enum:"on,off,as-configured" help:"on: all calls start at once, and metrics count the calls that limits would have delayed. off: limits apply. as-configured: each replica follows its own configuration."`
	Bucket string `placeholder:"NAME" help:"Switch only this bucket, on or off. In shadow mode it delays nobody; the other buckets of a route still apply."`

	acting
}

// Validate refuses a mode that a bucket does not have.
func (c *shadowCmd) Validate() error {
	if c.Bucket != "" && c.Mode == "as-configured" {
		return errors.New("<mode> as-configured: want on or off for --bucket")
	}
	return c.common.Validate()
}

// Run switches shadow mode.
func (c *shadowCmd) Run(ctx context.Context, s cli.Streams) error {
	if c.Bucket != "" {
		return c.act(ctx, s, c.Bucket, fmt.Sprintf("Shadow mode of bucket %s: %s", c.Bucket, c.Mode), func(ctx context.Context, o *limiter.Operator) error {
			return o.ShadowBucket(ctx, c.Bucket, c.Mode == "on")
		})
	}
	mode := map[string]limiter.ShadowMode{"on": limiter.ShadowOn, "off": limiter.ShadowOff, "as-configured": limiter.ShadowAsConfigured}[c.Mode]
	return c.act(ctx, s, c.Namespace, fmt.Sprintf("Shadow mode of the whole fleet: %s", c.Mode), func(ctx context.Context, o *limiter.Operator) error { return o.Shadow(ctx, mode) })
}

type drainCmd struct {
	Replica string `arg:"" help:"The whole id of the replica."`

	acting
}

// Run asks a replica to drain.
func (c *drainCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.act(ctx, s, c.Replica, fmt.Sprintf("Ask replica %s to drain and end", c.Replica), func(ctx context.Context, o *limiter.Operator) error { return o.Drain(ctx, c.Replica) })
}

type forgetCmd struct {
	Replica string `arg:"" help:"The whole id of the replica."`

	acting
}

// Run removes the record of a lost replica.
func (c *forgetCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.act(ctx, s, c.Replica, fmt.Sprintf("Forget replica %s", c.Replica), func(ctx context.Context, o *limiter.Operator) error { return o.Forget(ctx, c.Replica) })
}

type eventsCmd struct {
	common

	N    int64 `short:"n" default:"20" range:"1 or more" help:"Maximum number of events (${default})."`
	JSON bool  `name:"json" help:"Print one JSON object for each event."`
}

// Validate refuses a number of events below 1.
func (c *eventsCmd) Validate() error {
	if c.N < 1 {
		return fmt.Errorf("--n %d: want 1 or more", c.N)
	}
	return c.common.Validate()
}

// Run prints what operators have done, newest first.
func (c *eventsCmd) Run(ctx context.Context, s cli.Streams) error {
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	events, err := src.Events(ctx, c.N)
	if err != nil {
		return err
	}
	if c.JSON {
		for _, e := range events {
			if err := faces.JSON(s.Out, e, false); err != nil {
				return err
			}
		}
		return nil
	}
	return faces.Events(s.Out, events, c.width(s))
}
