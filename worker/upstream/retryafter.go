package upstream

import (
	"net/http"
	"slices"
	"time"
)

// retryAfter writes the wait of a refused call, in the form of the dialects. It writes no header if no wait helps.
func retryAfter(h http.Header, dialects []Dialect, at time.Time, wait time.Duration) {
	if wait <= 0 {
		return
	}
	h.Set("Retry-After", number(up(wait, time.Second)))
	for dialect, layout := range map[Dialect]string{
		RetryIMF:     http.TimeFormat,
		RetryRFC850:  "Monday, 02-Jan-06 15:04:05 GMT",
		RetryASCTIME: time.ANSIC,
	} {
		if slices.Contains(dialects, dialect) {
			h.Set("Retry-After", second(at, wait).Format(layout))
		}
	}
	if slices.Contains(dialects, RetryMS) {
		h.Set("Retry-After-Ms", number(up(wait, time.Millisecond)))
	}
}
