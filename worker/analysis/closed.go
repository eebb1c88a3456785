package analysis

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/weir-go/weir/worker/providers"
)

// closedError ends what is left of a kind of calls: the provider has refused one of them in a way that means all.
type closedError struct{ err error }

func (e *closedError) Error() string { return e.err.Error() }
func (e *closedError) Unwrap() error { return e.err }

// closable returns a context for calls of a kind, which ends with the first refusal that means all of them, and a function that notes the
// error of each call.
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

// closedBy is the refusal that has ended a kind of calls, nil if none has.
func closedBy(kind context.Context) error {
	if closed, ok := errors.AsType[*closedError](context.Cause(kind)); ok {
		return closed.err
	}
	return nil
}

// unheard is how many tracks in a row may have no audio features before it is taken that none has: Spotify answers 404 for a track that it
// has not analyzed, and for an application that may not ask, it depends on the application whether 403 or 404.
const unheard = 5

// deaf notes the error of each request for audio features.
type deaf struct{ missing, heard atomic.Int64 }

// note returns the error of a call, or a refusal that means all calls where so many tracks had none and no track had any.
func (d *deaf) note(err error) error {
	denied, ok := errors.AsType[*providers.APIError](err)
	switch {
	case err == nil:
		d.heard.Add(1)
	case ok && denied.Status == http.StatusNotFound && d.missing.Add(1) >= unheard && d.heard.Load() == 0:
		return &closedError{err}
	}
	return err
}
