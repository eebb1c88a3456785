package analysis

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/weir-go/weir/worker/providers"
)

// closedError ends the remaining calls of a kind: the provider has refused one of them in a way that means all.
type closedError struct{ err error }

func (e *closedError) Error() string { return e.err.Error() }
func (e *closedError) Unwrap() error { return e.err }

// closable returns a context for calls of a kind, which ends with the first refusal that means all of them, and a
// function that takes the error of each call.
func closable(ctx context.Context) (kind context.Context, note func(error), end context.CancelCauseFunc) {
	kind, end = context.WithCancelCause(ctx)
	return kind, func(err error) {
		if closed, ok := errors.AsType[*closedError](err); ok {
			end(closed)
		} else if providers.Closed(err) {
			end(&closedError{err})
		}
	}, end
}

// closedBy returns the refusal that has ended a kind of calls, nil if none has.
func closedBy(kind context.Context) error {
	if closed, ok := errors.AsType[*closedError](context.Cause(kind)); ok {
		return closed.err
	}
	return nil
}

// unmeasured is how many tracks in a row may have no audio features before the analysis assumes that none has. Spotify
// answers 404 for a track that it has not analyzed. For an application without permission it answers 403 or 404,
// depending on the application.
const unmeasured = 5

// featuresFound collects the error of each request for audio features.
type featuresFound struct{ missing, measured atomic.Int64 }

// note returns the error of a call. If unmeasured tracks had no features and no track had any, it returns a refusal that
// means all calls.
func (d *featuresFound) note(err error) error {
	denied, ok := errors.AsType[*providers.APIError](err)
	switch {
	case err == nil:
		d.measured.Add(1)
	case ok && denied.Status == http.StatusNotFound && d.missing.Add(1) >= unmeasured && d.measured.Load() == 0:
		return &closedError{err}
	}
	return err
}
