package page

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/gate"
)

// policy lets the page load only resources of this server, and forbids other pages to frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// guarded is the outermost handler. It sets the security headers, and refuses all methods except GET, HEAD, and POST for actions.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		h := out.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		acts := s.by != "" && r.Method == http.MethodPost && r.URL.Path == actionsPath
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !acts {
			h.Set("Allow", "GET, HEAD")
			gate.Problem{Status: http.StatusMethodNotAllowed, Detail: "only GET and HEAD are allowed here"}.Write(out)
			return
		}
		next.ServeHTTP(out, r)
	})
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for path, a := range s.assets {
		mux.Handle("GET "+path, a)
	}
	mux.HandleFunc("GET /livez", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(out, "alive\n") // the client may be gone
	})
	mux.HandleFunc("GET /api/v1/report", s.report)
	mux.HandleFunc("GET /api/v1/why", s.why)
	mux.HandleFunc("GET /api/v1/events", s.events)
	if s.by != "" {
		mux.HandleFunc("POST "+actionsPath, s.act)
	}
	return mux
}

// report answers with the report, which is at most an interval old.
func (s *Server) report(out http.ResponseWriter, r *http.Request) {
	v, err := s.poller.read(r.Context(), s.poller.interval)
	if err != nil {
		s.refuse(out, err)
		return
	}
	answer(out, v)
}

// mostNames is the maximum number of buckets that why accepts.
const mostNames = 16

// why answers why calls of a route or of some buckets wait.
func (s *Server) why(out http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["name"]
	if len(names) == 0 || len(names) > mostNames || names[0] == "" {
		gate.Problem{Status: http.StatusBadRequest, Detail: "want ?name= of a route or a bucket, or several of the buckets that a call passes, narrowest first"}.Write(out)
		return
	}
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-r.Context().Done():
		return
	}
	w, err := s.poller.src.Why(r.Context(), names...)
	if err != nil {
		s.refuse(out, err)
		return
	}
	answer(out, struct {
		*report.Why

		Sentences []string `json:"sentences"`
	}{w, w.Sentences()})
}

// events streams reports until the client leaves or the server ends.
func (s *Server) events(out http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // HEAD must not count as a reader
		out.Header().Set("Content-Type", "text/event-stream")
		return
	}
	reader, err := s.poller.join()
	if err != nil {
		gate.Problem{
			Type: gate.TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Second,
			Detail: "too many pages are open: close one, or read /api/v1/report",
		}.Write(out)
		return
	}
	defer reader.leave()
	stream, err := s.stream.NewWriter(out)
	if err != nil {
		gate.Problem{Status: http.StatusInternalServerError, Detail: "this connection cannot carry a stream: " + err.Error()}.Write(out)
		return
	}
	// A browser waits so long before it connects again. The server's buffer keeps these few bytes until the first event.
	if _, err := io.WriteString(out, "retry: 2000\n\n"); err != nil {
		return
	}
	_ = stream.Serve(r.Context(), reader.frame) // the client has left or stalled, or the server ends: none is an error
}

// refuse answers with an error of the source: 404 for an unknown name, else 503.
func (s *Server) refuse(out http.ResponseWriter, err error) {
	if e, ok := errors.AsType[*cli.Error](err); ok && e.Status == cli.Usage {
		gate.Problem{Status: http.StatusNotFound, Detail: report.Clean(err.Error())}.Write(out)
		return
	}
	gate.Problem{Status: http.StatusServiceUnavailable, Detail: report.Clean(err.Error()), RetryAfter: s.poller.interval}.Write(out)
}

func answer(out http.ResponseWriter, v any) {
	out.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(out).Encode(v) // the client may be gone
}
