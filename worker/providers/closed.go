package providers

import (
	"errors"
	"net/http"
)

// Closed reports whether an error says that the provider refuses all calls of the kind until somebody changes something: a key, a consent, a
// model, or a quota that is spent. Whoever has more calls of the kind can keep them.
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

// closed reports whether an error of Last.fm is about the key: it may not ask (4), is of no session (9), is wrong (10) or suspended (26).
func (e *APIError) closed() bool {
	switch e.Code {
	case "4", "9", "10", "26":
		return true
	}
	return e.Code == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}
