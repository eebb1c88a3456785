package worker

import (
	"context"
	"net/http"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/gate"
)

// Handler returns the handler of the replica's paths, behind a [gate.Gate].
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	upload := w.gate.Upload(http.HandlerFunc(w.analyze))
	mux.HandleFunc("POST /v1/playlists/analyze", func(out http.ResponseWriter, r *http.Request) {
		if w.takes(out) { // before the body is received
			upload.ServeHTTP(out, r)
		}
	})
	mux.HandleFunc("GET "+analysesPath+"/{id}", w.onAnalysis((*deskhttp.Handler).Show))
	mux.HandleFunc("GET "+analysesPath+"/{id}/events", w.onAnalysis((*deskhttp.Handler).Events))
	mux.HandleFunc("DELETE "+analysesPath+"/{id}", w.onAnalysis((*deskhttp.Handler).End))
	mux.HandleFunc("GET /livez", func(out http.ResponseWriter, _ *http.Request) { plain(out, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", w.ready)
	return w.gate.Handler(mux)
}

// takes reports whether the replica accepts analyses, and answers the request if not.
func (w *Worker) takes(out http.ResponseWriter) bool {
	if !w.draining.Load() && w.parts.Load() != nil {
		return true
	}
	unready(out)
	return false
}

// unready answers that the replica is not part of the fleet.
func unready(out http.ResponseWriter) {
	gate.Problem{
		Type: gate.TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
		Detail: "this replica is not ready: ask another one, or later",
	}.Write(out)
}

// ready answers whether the replica accepts analyses. Only the log has the reason, because every client that reaches
// the port may ask.
func (w *Worker) ready(out http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	reason, degraded := w.unreadyFor(ctx)
	if r.Context().Err() == nil && (w.parts.Load() != nil || w.unready.Load()) { // before that, connect logs the reason
		w.reportReadiness(ctx, reason)
	}
	if reason != "" {
		out.Header().Set("Retry-After", "1")
		plain(out, http.StatusServiceUnavailable, "unavailable")
		return
	}
	if degraded != "" {
		plain(out, http.StatusOK, "degraded: "+degraded)
		return
	}
	plain(out, http.StatusOK, "ok")
}

// unreadyFor returns why the replica accepts no analyses, or "", and how it continues if Redis is away.
func (w *Worker) unreadyFor(ctx context.Context) (reason, degraded string) {
	have := w.parts.Load()
	switch {
	case w.unready.Load():
		return "it ends", ""
	case have == nil:
		if last := w.trouble.Load(); last != nil {
			return *last, ""
		}
		return "redis was not reached yet", ""
	}
	_, err := have.limiter.Snapshot(ctx)
	switch mode := have.limiter.Health().Mode; {
	case mode == limiter.Local || mode == limiter.Open:
		return "", string(mode)
	case err != nil && mode == limiter.Connected && w.cfg.WhenAway != limiter.FailClosed:
		return "", "redis does not answer" // for half a second; then the replica continues without Redis, or waits
	case err != nil:
		return trouble(err), ""
	case mode == limiter.Away:
		return "redis is not back yet", ""
	}
	return "", ""
}

// reportReadiness logs the reason when it has changed.
func (w *Worker) reportReadiness(ctx context.Context, reason string) {
	before := ""
	if last := w.reported.Swap(&reason); last != nil {
		before = *last
	}
	switch reason {
	case before:
	case "":
		w.cfg.Logger.InfoContext(ctx, "ready again")
	default:
		w.cfg.Logger.WarnContext(ctx, "not ready", "reason", reason)
	}
}

func plain(out http.ResponseWriter, status int, text string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	_, _ = out.Write([]byte(text + "\n"))
}
