package watch

import (
	"context"
	"errors"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// Act runs change on the fleet; by names the author. The error is that of an unreachable or refusing Redis, or a usage error if the change is not
// possible.
func (s *Source) Act(ctx context.Context, by string, change func(context.Context, *limiter.Operator) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	o, err := limiter.NewOperator(s.rdb, s.Namespace, by)
	if err == nil {
		err = change(ctx, o)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, limiter.ErrUnavailable) || errors.Is(err, limiter.ErrRefused):
		return s.failed(err)
	}
	return &cli.Error{Status: cli.Usage, Err: errors.New(plain(err))}
}

// deeds are the changes that the live view and the page can make. A pause lasts until somebody resumes the bucket.
var deeds = map[string]func(context.Context, *limiter.Operator, string) error{ //nolint:gochecknoglobals // fixed
	"pause": func(ctx context.Context, o *limiter.Operator, name string) error {
		return o.Pause(ctx, name, limiter.UntilResumed)
	},
	"resume": func(ctx context.Context, o *limiter.Operator, name string) error { return o.Resume(ctx, name) },
	"drain":  func(ctx context.Context, o *limiter.Operator, name string) error { return o.Drain(ctx, name) },
	"forget": func(ctx context.Context, o *limiter.Operator, name string) error { return o.Forget(ctx, name) },
}

// Deeds reports whether name is one of the changes that [Source.Do] makes.
func Deeds(name string) bool { return deeds[name] != nil }

// Do makes a change to a bucket or a replica. deed is a name for which [Deeds] is true. Errors are those of Act.
func (s *Source) Do(ctx context.Context, by, deed, name string) error {
	return s.Act(ctx, by, func(ctx context.Context, o *limiter.Operator) error { return deeds[deed](ctx, o, name) })
}

// Events reads the last n changes that operators have made, newest first. Errors are those of [Source.Read].
func (s *Source) Events(ctx context.Context, n int64) ([]report.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	events, err := limiter.ReadEvents(ctx, s.rdb, s.Namespace, n)
	if err != nil {
		return nil, s.failed(err)
	}
	return report.Events(events), nil
}
