package gate

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

type requestID struct{}

// RequestID returns the id of the request that ctx belongs to, or "" outside of a [Gate.Handler].
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}

// logged gives a request an id, and logs a line when the request has ended. It recovers a panic: the request gets 500,
// or its connection is closed if its answer has begun.
func (g *Gate) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := r.Header.Get("X-Request-Id")
		if !harmless(id) {
			id = rand.Text()
		}
		// The multiplexer writes the pattern into the request that it gets, which is a copy. Handlers outside read the
		// given request, so the pattern is copied back.
		ctx, given := context.WithValue(r.Context(), requestID{}, id), r
		r = r.WithContext(ctx)
		defer func() { given.Pattern = r.Pattern }()
		out := &answer{ResponseWriter: w}
		out.Header().Set("X-Request-Id", id)
		defer func() { g.ended(ctx, r, out, began, recover()) }()
		next.ServeHTTP(out, r)
	})
}

// ended logs the line of a request. broken is the value of the handler's panic, or nil.
func (g *Gate) ended(ctx context.Context, r *http.Request, out *answer, began time.Time, broken any) {
	id := RequestID(ctx)
	if broken != nil && broken != http.ErrAbortHandler { //nolint:errorlint // net/http compares in the same way
		g.cfg.Logger.ErrorContext(ctx, "a handler panicked", "request", id, "panic", broken, "stack", string(debug.Stack()))
		if out.status == 0 {
			Problem{Status: http.StatusInternalServerError, Detail: "this is a fault of the server; its log has the request id"}.Write(out)
			broken = nil
		}
	}
	level := slog.LevelInfo
	if slices.Contains(g.cfg.Open, r.URL.Path) {
		level = slog.LevelDebug
	}
	g.cfg.Logger.Log(ctx, level, "request", "request", id, "method", known(r.Method), "route", route(r), "status", out.status,
		"bytes", out.bytes, "seconds", time.Since(began).Seconds())
	if broken != nil {
		panic(http.ErrAbortHandler) // the server closes the connection, and logs nothing
	}
}

// harmless reports whether logs and headers may contain a client's request id.
func harmless(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.'
	})
}

func route(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

// known returns a method of HTTP, or "other", so that log lines have a bounded set of methods.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// answer records the status of the answer.
type answer struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
}

// Unwrap lets an [http.ResponseController] find the writer that can be flushed and has deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}
