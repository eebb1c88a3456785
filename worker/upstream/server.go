package upstream

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// Server simulates the providers. It is an http.Handler for one base URL for all three: Anthropic clients use the URL
// itself, Spotify clients append /v1 and Last.fm clients append /2.0/. GET /stats, POST /stats/reset, GET /livez and
// GET /readyz are its own. It is safe for concurrent use.
type Server struct {
	cfg   Config
	mux   *http.ServeMux
	start time.Time
	shelf *shelf
	login *login

	mu     sync.Mutex
	judge  *Judge
	ledger ledger
	used   Usage                   // of ended calls, where tokens are limited
	before [apiCount]StrangerCount // strangers until the last reset
	number [apiCount]uint64        // arrivals since New; a reset keeps it, because waits and errors depend on it
}

// New returns a server with full buckets, or an error of one line that names the field out of range.
func New(cfg Config) (*Server, error) {
	judge, err := NewJudge(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), start: time.Now(), judge: judge}
	s.shelf, s.login = s.newShelf(), newLogin(cfg.Accounts)
	s.routeAnthropic()
	s.routeSpotify()
	s.routeLastFM()

	s.mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	s.mux.HandleFunc("POST /stats/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	for _, probe := range []string{"GET /livez", "GET /readyz"} {
		s.mux.HandleFunc(probe, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, object{"error": "no provider serves " + r.Method + " " + r.URL.Path})
	})
	return s, nil
}

// ServeHTTP answers one request. When the request's context ends first, it stops waiting and answers 503 in the form of
// the provider.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// object is a JSON object that is put together in place.
type object map[string]any

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may have left, so the error has no reader
}
