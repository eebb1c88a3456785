package deskhttp

import (
	"errors"
	"net/http"
	"time"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/gate"
)

// refuse answers an error of a desk.
func refuse(out http.ResponseWriter, err error) {
	if full, ok := errors.AsType[*desk.FullError](err); ok {
		unavailable(full.RetryAfter, "this replica is full, of "+full.Of+": ask another one, or later").Write(out)
		return
	}
	if elsewhere, ok := errors.AsType[*desk.ElsewhereError](err); ok {
		gate.Problem{
			Status: http.StatusMisdirectedRequest, Detail: "another replica has this analysis, or had it: ask that one", Replica: elsewhere.Replica,
		}.Write(out)
		return
	}
	switch {
	case errors.Is(err, desk.ErrClosed):
		unavailable(time.Second, "this replica ends: ask another one").Write(out)
	case errors.Is(err, desk.ErrUnknown):
		problem(http.StatusNotFound, "this replica has no such analysis: it never existed, or ended too long ago").Write(out)
	case errors.Is(err, desk.ErrKeyReused):
		problem(http.StatusUnprocessableEntity, "Idempotency-Key: another body came with this key; use a key of its own for each body").Write(out)
	case errors.Is(err, desk.ErrTooHeavy):
		problem(http.StatusRequestEntityTooLarge, "the playlist is larger than all that this replica may hold").Write(out)
	case errors.Is(err, desk.ErrNotSeen):
		problem(http.StatusBadRequest, badLastSeen).Write(out)
	default:
		problem(http.StatusInternalServerError, err.Error()).Write(out)
	}
}

func problem(status int, detail string) gate.Problem {
	return gate.Problem{Status: status, Detail: detail}
}

func unavailable(retryAfter time.Duration, detail string) gate.Problem {
	return gate.Problem{Type: gate.TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter, Detail: detail}
}
