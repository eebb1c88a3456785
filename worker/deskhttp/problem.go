package deskhttp

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-go/weir/worker/desk"
)

// refuse answers an error of a desk.
func refuse(out http.ResponseWriter, err error) {
	if full, ok := errors.AsType[*desk.FullError](err); ok {
		out.Header().Set("Retry-After", seconds(full.RetryAfter))
		problem(out, http.StatusServiceUnavailable, "this replica is full, of "+full.Of+": ask another one, or later", nil)
		return
	}
	if elsewhere, ok := errors.AsType[*desk.ElsewhereError](err); ok {
		problem(out, http.StatusMisdirectedRequest, "another replica has this analysis, or had it: ask that one", map[string]any{"replica": elsewhere.Replica})
		return
	}
	switch {
	case errors.Is(err, desk.ErrClosed):
		out.Header().Set("Retry-After", "1")
		problem(out, http.StatusServiceUnavailable, "this replica ends: ask another one", nil)
	case errors.Is(err, desk.ErrUnknown):
		problem(out, http.StatusNotFound, "this replica has no such analysis: it never was, or ended too long ago", nil)
	case errors.Is(err, desk.ErrKeyReused):
		problem(out, http.StatusUnprocessableEntity, "Idempotency-Key: another body came with this key; use a key of its own for each body", nil)
	case errors.Is(err, desk.ErrTooHeavy):
		problem(out, http.StatusRequestEntityTooLarge, "the playlist is larger than all that this replica may hold", nil)
	case errors.Is(err, desk.ErrNotSeen):
		problem(out, http.StatusBadRequest, badLastSeen, nil)
	default:
		problem(out, http.StatusInternalServerError, err.Error(), nil)
	}
}

// seconds is a time as Retry-After has it, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// problem answers an error in the form of RFC 9457, with further members.
func problem(out http.ResponseWriter, status int, detail string, members map[string]any) {
	body := map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}
	maps.Copy(body, members)
	out.Header().Set("Content-Type", "application/problem+json")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(body)
}
