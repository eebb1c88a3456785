package providers

import (
	"errors"
	"net/http"
)

// Closed reports whether an error means that the provider refuses all calls of the kind until an operator acts: a key,
// a consent, a model, or a spent quota. Further calls of the kind are then useless.
func Closed(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok || e.Renewed:
		return false
	case e.Spent:
		return true
	case e.Throttled() || e.failed():
		return false
	}
	switch e.API {
	case APILastFM:
		return e.closed()
	case APIAnthropic:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound && e.Type == typeNotFound
	}
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Code == codeInvalidGrant || e.Code == codeInvalidClient
}

// closed reports whether an error of Last.fm is about the key: it has no permission (4), belongs to no session (9), is
// wrong (10) or suspended (26).
func (e *APIError) closed() bool {
	switch e.Code {
	case "4", "9", "10", "26":
		return true
	}
	return e.Code == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}
