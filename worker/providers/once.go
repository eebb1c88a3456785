package providers

import (
	"context"
	"errors"

	"github.com/weir-go/weir/orchestrator"
)

// Once returns the call of one task that makes an object, so that the object is made only once even if answers are
// lost. After an attempt that may have made it, the next attempt looks for it, and makes it only if it does not exist.
// Each attempt is one call. If look is nil, an attempt that may have made the object is not repeated.
func Once[T any](make func(context.Context) (T, error), look func(context.Context) (made T, found bool, err error)) func(context.Context) (T, error) {
	unsure := false // the attempts of a task follow one another
	return func(ctx context.Context) (T, error) {
		if !unsure {
			v, err := make(ctx)
			unsure = mayHaveMade(err)
			if unsure && look == nil {
				err = &makingError{err}
			}
			return v, err
		}
		v, found, err := look(ctx)
		if err == nil && !found {
			unsure, err = false, errNotMade
		}
		return v, err
	}
}

var errNotMade = errors.New("providers: nothing was made")

// mayHaveMade reports whether a call that ended with an error may have made the object: the provider or the network
// failed.
func mayHaveMade(err error) bool {
	if denied, answered := errors.AsType[*APIError](err); answered {
		return !denied.Throttled() && denied.failed()
	}
	return err != nil && !errors.Is(err, ErrNotSent)
}

// makingError is the error of a call that may have made an object for which Once cannot look.
type makingError struct{ err error }

func (e *makingError) Error() string { return e.err.Error() + "; it may have been made all the same" }
func (e *makingError) Unwrap() error { return e.err }

// verdictOfMaking returns the verdict about such an error: the report about the provider, and never another attempt.
func verdictOfMaking(v orchestrator.Verdict) orchestrator.Verdict {
	return orchestrator.Verdict{Throttled: v.Throttled, Overloaded: v.Overloaded}
}
