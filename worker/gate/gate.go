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

// Config sets which requests a gate accepts, and how much. The zero Config is ready to use.
type Config struct {
	// Token is the bearer token of every request, except those of Open paths. Zero requires none. A token has at least
	// 16 characters, all printable, and no spaces.
	Token string
	// Hosts are the names that a Host header may have if no Token is configured. IP addresses and localhost are always
	// allowed.
	Hosts []string
	// Open are paths without a token, such as those of probes. Their log lines have level DEBUG.
	Open []string
	// Requests bounds the open requests, without those of Open paths. Zero is 1,024.
	Requests int
	// Types are the content types that uploads may have. Zero is [DefaultTypes].
	Types []string
	// MaxBody is how many bytes the body of an upload may have, before and after decompression. Zero is 16 MiB.
	MaxBody int64
	// Uploads is how many bytes the bodies of all uploads may take together. Zero is [DefaultUploads], or MaxBody if
	// that is more; less than MaxBody is an error.
	Uploads int64
	// Patience is how long a body may take to arrive, or to arrive by another Progress bytes. Zero is 10 s.
	Patience time.Duration
	// Progress is how many bytes must arrive in each further Patience. Zero is 640 KiB, which is 64 KiB a second.
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

// New returns a gate, or an error that names the field of the configuration that is out of range. The error never
// contains the token.
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

// Handler returns next behind the gate. next is the [http.ServeMux] with all routes of a server.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return g.logged(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			// The server itself reads bodies that the handler does not read, to find the next request. Those must not
			// take indefinitely either.
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
				Detail: "the server has too many requests: try again in a moment",
			}.Write(out)
			return
		}
		next.ServeHTTP(out, r)
	}))
}

// Stop ends running uploads with 503, and refuses further uploads. Other requests continue.
func (g *Gate) Stop() { g.end() }
