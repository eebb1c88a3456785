package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Config says whom a gate lets through, and how much. The zero Config is ready to use.
type Config struct {
	// Token is the bearer token that every request has to carry, except those of Open paths. Zero asks for none. Otherwise it has 16
	// characters or more, none of which is a space or unprintable.
	Token string
	// Hosts are names by which the server may be addressed where no Token is configured. IP addresses and localhost always may.
	Hosts []string
	// Open are paths that anybody may ask, such as those of probes. Their log lines are of level DEBUG.
	Open []string
	// Requests is how many requests are under way at most, those of Open paths not counted. Zero is 1,024.
	Requests int
	// Types are the content types that uploads may have. Zero is [DefaultTypes].
	Types []string
	// MaxBody is how many bytes the body of an upload may have, before and after decompression. Zero is 16 MiB.
	MaxBody int64
	// Uploads is how many bytes the bodies of all uploads under way may take together. Zero is [DefaultUploads], or MaxBody if
	// that is more; less than MaxBody is an error.
	Uploads int64
	// Patience is how long a body may take to arrive, or to arrive by another Progress bytes. Zero is 10 s.
	Patience time.Duration
	// Progress is how many bytes have to arrive for another Patience. Zero is 640 KiB, which is 64 KiB a second.
	Progress int64
	// Logger gets a line for each request. Zero is none.
	Logger *slog.Logger
}

// Gate is middleware. It is safe for concurrent use.
type Gate struct {
	cfg   Config // fixed, like token and types
	token [sha256.Size]byte
	cross http.CrossOriginProtection

	underWay atomic.Int64 // requests
	room     room
	ending   context.Context //nolint:containedctx // of the gate, not of a call: uploads end with it
	end      context.CancelFunc
}

// DefaultUploads is the default of [Config.Uploads]: 24 MiB.
const DefaultUploads = 24 << 20

// MinToken is how many characters a token has at least.
const MinToken = 16

// New returns a gate, or which field of its configuration is out of range. The error never holds the token.
func New(cfg Config) (*Gate, error) {
	cfg.Requests, cfg.MaxBody = cmp.Or(cfg.Requests, 1024), cmp.Or(cfg.MaxBody, 16<<20)
	cfg.Uploads = cmp.Or(cfg.Uploads, max(DefaultUploads, cfg.MaxBody))
	cfg.Patience, cfg.Progress = cmp.Or(cfg.Patience, 10*time.Second), cmp.Or(cfg.Progress, 640<<10)
	if cfg.Types == nil {
		cfg.Types = DefaultTypes()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case cfg.Token != "" && !validToken(cfg.Token):
		return nil, fmt.Errorf("gate: the token is shorter than %d characters, or has spaces or unprintable ones", MinToken)
	case cfg.Requests < 0 || cfg.MaxBody < 0 || cfg.Patience < 0 || cfg.Progress < 0:
		return nil, fmt.Errorf("gate: negative bound: %d requests, bodies of %d bytes, %v for %d bytes", cfg.Requests, cfg.MaxBody, cfg.Patience, cfg.Progress)
	case cfg.Uploads < cfg.MaxBody:
		return nil, fmt.Errorf("gate: all uploads together may take %d bytes, which is less than one body's %d", cfg.Uploads, cfg.MaxBody)
	}
	g := &Gate{cfg: cfg, token: sha256.Sum256([]byte(cfg.Token)), room: room{limit: cfg.Uploads}}
	// Not derived from any caller's context: it lasts until Stop.
	g.ending, g.end = context.WithCancel(context.Background())
	return g, nil
}

// Handler returns next behind the gate. It stands before all routes of a server, next being their [http.ServeMux].
func (g *Gate) Handler(next http.Handler) http.Handler {
	return g.logged(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			// Bodies that nobody reads are read by the server, to find the next request, and must not take for ever either.
			_ = http.NewResponseController(out).SetReadDeadline(time.Now().Add(g.cfg.Patience))
		}
		if slices.Contains(g.cfg.Open, r.URL.Path) {
			next.ServeHTTP(out, r)
			return
		}
		if refused := g.check(r); refused != nil {
			refused(out)
			return
		}
		defer g.underWay.Add(-1)
		if g.underWay.Add(1) > int64(g.cfg.Requests) {
			Problem{
				Type: TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
				Detail: "too many requests are under way: try again in a moment",
			}.Write(out)
			return
		}
		next.ServeHTTP(out, r)
	}))
}

// Stop ends uploads that are under way with 503, and refuses further ones. Other requests go on.
func (g *Gate) Stop() { g.end() }
