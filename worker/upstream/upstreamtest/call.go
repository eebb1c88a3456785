package upstreamtest

import (
	"net/http"
	"slices"
	"time"
)

// Call is one request that reached an API.
type Call struct {
	// At is the time of its arrival since New, on the monotonic clock.
	At time.Duration
	// Method and Path are those of the request; Path is without the query.
	Method, Path string
	// Status is the status of the answer. Zero: the call is not answered yet, or the API closed the connection.
	Status int
	// Over is true if the call was above the limit. Such a call was answered 429 and not charged.
	Over bool
}

// Calls returns the calls so far, in the order of their arrival.
func (a *API) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *API) answered(number, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[number].Status = status
}

// answer is a ResponseWriter that records the status.
type answer struct {
	http.ResponseWriter

	status int
}

func (w *answer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) { // other 1xx are not final
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(b []byte) (int, error) {
	w.end()
	return w.ResponseWriter.Write(b)
}

// end records status 200 if the handler wrote no status.
func (w *answer) end() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Flush is for handlers that ask for an http.Flusher.
func (w *answer) Flush() {
	w.end()
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
