package worker

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/weir-go/weir/worker/deskhttp"
)

// Handler answers the replica's paths.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/playlists/analyze", w.analyze)
	mux.HandleFunc("GET "+analysesPath+"/{id}", w.onAnalysis((*deskhttp.Handler).Show))
	mux.HandleFunc("GET "+analysesPath+"/{id}/events", w.onAnalysis((*deskhttp.Handler).Events))
	mux.HandleFunc("DELETE "+analysesPath+"/{id}", w.onAnalysis((*deskhttp.Handler).End))
	mux.HandleFunc("GET /livez", func(out http.ResponseWriter, _ *http.Request) { plain(out, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", w.ready)
	return mux
}

func (w *Worker) ready(out http.ResponseWriter, r *http.Request) {
	have := w.parts.Load()
	switch {
	case w.draining.Load():
		plain(out, http.StatusServiceUnavailable, "draining")
		return
	case have == nil:
		reason := "redis was not reached yet"
		if last := w.trouble.Load(); last != nil {
			reason = *last
		}
		plain(out, http.StatusServiceUnavailable, reason)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := have.limiter.Snapshot(ctx); err != nil {
		plain(out, http.StatusServiceUnavailable, trouble(err))
		return
	}
	plain(out, http.StatusOK, "ok")
}

func plain(out http.ResponseWriter, status int, text string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.WriteHeader(status)
	_, _ = out.Write([]byte(text + "\n"))
}

// problem answers an error in the form of RFC 9457.
func problem(out http.ResponseWriter, status int, detail string) {
	out.Header().Set("Content-Type", "application/problem+json")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}
