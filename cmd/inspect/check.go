package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-go/weir/cmd/inspect/internal/check"
	"github.com/weir-go/weir/cmd/internal/cli"
)

type checkCmd struct {
	common

	FailIf string `default:"lost>0 || disagreements>0 || unknown>0" placeholder:"CONDITION" help:"Fail if this is true (${default}). Comparisons, joined by || and &&; durations such as 30s. Names: ${names}."`
	Redis  bool   `help:"Fail, too, if the settings of Redis are not those that docs/operations.md asks for."`
}

// Validate refuses a condition that cannot be parsed.
func (c *checkCmd) Validate() error {
	_, err := check.Parse(c.FailIf)
	if err != nil {
		err = fmt.Errorf("--fail-if: %w", err)
	}
	return errors.Join(c.common.Validate(), err)
}

// failedStatus is the exit status of a check whose condition is true.
const failedStatus = 4

// Run reads the fleet once. It returns an error of status 4 if the condition is true.
func (c *checkCmd) Run(ctx context.Context, s cli.Streams) error {
	condition, err := check.Parse(c.FailIf)
	if err != nil {
		return err
	}
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	r, err := src.Read(ctx)
	if err != nil {
		return err
	}
	holds, because, err := condition.True(r)
	if err != nil {
		return err
	}
	advice, known := check.Redis(r)
	for _, a := range advice {
		_, _ = fmt.Fprintf(s.Err, "inspect: redis: %s\n", a)
	}
	switch {
	case holds:
		return &cli.Error{Status: failedStatus, Err: fmt.Errorf("%s: %s", c.FailIf, because)}
	case c.Redis && len(advice) > 0:
		return &cli.Error{Status: failedStatus, Err: fmt.Errorf("redis: %d settings put the budget at risk", len(advice))}
	case c.Redis && !known:
		return &cli.Error{Status: failedStatus, Err: errors.New("redis: this user may not call INFO")}
	}
	if err := verdict(r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "ok: %s\n", because)
	return err
}
