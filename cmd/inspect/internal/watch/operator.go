package watch

import (
	"context"
	"errors"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// Operator is who changes the fleet, for the commands that do. by names them.
func (s *Source) Operator(by string) (*limiter.Operator, error) {
	return limiter.NewOperator(s.rdb, s.Namespace, by)
}

// Acted is the error of what an operator has done: what Redis says, or what cannot be done, which is how the command was called.
func (s *Source) Acted(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, limiter.ErrUnavailable) || errors.Is(err, limiter.ErrRefused):
		return s.failed(err)
	}
	return &cli.Error{Status: cli.Usage, Err: err}
}

// Events reads what operators have done, the latest first.
func (s *Source) Events(ctx context.Context, n int64) ([]report.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	events, err := limiter.ReadEvents(ctx, s.rdb, s.Namespace, n)
	if err != nil {
		return nil, s.failed(err)
	}
	return report.Events(events), nil
}
