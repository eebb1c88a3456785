package page

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/sse"
)

// Config says what a server shows, and to whom.
type Config struct {
	// Source is where reports come from. It stays the caller's.
	Source *watch.Source
	// Interval is how long the server waits between two readings. Zero is 2 s.
	Interval time.Duration
	// Stale is the age from which on the page calls data stale. Zero is 10 s.
	Stale time.Duration
	// Token is what everybody has to send, as a bearer token or as a password. Zero asks for none, and answers only who addresses the server by IP
	// address or as localhost.
	Token string
	// By names who changes the fleet through the page, which takes a Token. Zero is nobody: the page only shows.
	By string
	// Readers is how many streams there may be. Zero is 64.
	Readers int
	// WriteTimeout is how long a reader may take nothing. Zero is 10 s.
	WriteTimeout time.Duration
}

// Server shows the report of one namespace.
type Server struct {
	poller *poller // all are fixed
	assets map[string]http.Handler
	stream sse.Config
	gate   *gate.Gate
	token  bool
	by     string        // who changes the fleet; "" for nobody
	asking chan struct{} // held while why is asked: Redis is asked so many questions at once
}

// New returns a server, or what is wrong with its token.
func New(cfg Config) (*Server, error) {
	cfg.Interval, cfg.Stale, cfg.Readers = cmp.Or(cfg.Interval, 2*time.Second), cmp.Or(cfg.Stale, 10*time.Second), cmp.Or(cfg.Readers, 64)
	assets, err := load(cfg.Source.Namespace, cfg.Source.Addr())
	if err != nil {
		return nil, err
	}
	if cfg.By != "" && cfg.Token == "" {
		return nil, errors.New("page: changes need a token")
	}
	// Room for what readers ask beside their streams. Probes have no token, and learn nothing.
	g, err := gate.New(gate.Config{Token: cfg.Token, Open: []string{"/livez"}, Requests: cfg.Readers + 64})
	if err != nil {
		return nil, err
	}
	return &Server{
		poller: newPoller(cfg), assets: assets, stream: sse.Config{WriteTimeout: cfg.WriteTimeout}, gate: g, token: cfg.Token != "", by: cfg.By, asking: make(chan struct{}, 4),
	}, nil
}

// Handler is everything the server answers. Streams have reports only while Serve runs.
func (s *Server) Handler() http.Handler {
	h := linked(s.gate.Handler(s.routes()))
	if s.token {
		h = login(h)
	}
	return s.guarded(h)
}

// grace is how long requests that are under way may take to end.
const grace = 5 * time.Second

// Serve answers on l until ctx ends, then ends all streams and closes l. Only what keeps it from answering is an error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv := &http.Server{
		Handler: s.Handler(), BaseContext: func(net.Listener) context.Context { return working }, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
	}
	var running sync.WaitGroup
	running.Go(func() { s.poller.run(working) })
	served := make(chan error, 1)
	running.Go(func() { served <- srv.Serve(l) })
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	end() // before the server waits for its requests: streams are requests
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // who takes nothing any more is not waited for
	}
	running.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}
