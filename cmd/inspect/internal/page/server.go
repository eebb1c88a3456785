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

// Config configures a server.
type Config struct {
	// Source reads the reports. The caller closes it, after Serve has returned.
	Source *watch.Source
	// Interval is the time between two readings. Zero is 2 s.
	Interval time.Duration
	// Stale is the age from which the page marks data as stale. Zero is 10 s.
	Stale time.Duration
	// Token is required of every client, as a bearer token or as a password. Without a Token the server answers only requests that address it by IP
	// address or as localhost.
	Token string
	// By is recorded as the author of changes that are made through the page. By needs a Token. If By is empty, the page changes nothing.
	By string
	// Readers is the maximum number of streams. Zero is 64.
	Readers int
	// WriteTimeout is how long a reader may accept no data. Zero is 10 s.
	WriteTimeout time.Duration
}

// Server shows the report of one namespace.
type Server struct {
	poller *poller // all are fixed
	assets map[string]http.Handler
	stream sse.Config
	gate   *gate.Gate
	token  bool
	by     string        // the author of changes; "" if the page changes nothing
	asking chan struct{} // held while why reads Redis: its capacity bounds the concurrent reads
}

// New returns a server. The error says what is wrong with the token, or that By is set without a Token.
func New(cfg Config) (*Server, error) {
	cfg.Interval, cfg.Stale, cfg.Readers = cmp.Or(cfg.Interval, 2*time.Second), cmp.Or(cfg.Stale, 10*time.Second), cmp.Or(cfg.Readers, 64)
	assets, err := load(cfg.Source.Namespace, cfg.Source.Addr())
	if err != nil {
		return nil, err
	}
	if cfg.By != "" && cfg.Token == "" {
		return nil, errors.New("page: changes need a token")
	}
	// The 64 above Readers are for requests beside the streams. Probes need no token, because /livez reveals nothing.
	g, err := gate.New(gate.Config{Token: cfg.Token, Open: []string{"/livez"}, Requests: cfg.Readers + 64})
	if err != nil {
		return nil, err
	}
	return &Server{
		poller: newPoller(cfg), assets: assets, stream: sse.Config{WriteTimeout: cfg.WriteTimeout}, gate: g, token: cfg.Token != "", by: cfg.By, asking: make(chan struct{}, 4),
	}, nil
}

// Handler returns the handler of all paths. Streams have reports only while Serve runs.
func (s *Server) Handler() http.Handler {
	h := linked(s.gate.Handler(s.routes()))
	if s.token {
		h = login(h)
	}
	return s.guarded(h)
}

// grace is how long Serve waits for requests in progress before it closes their connections.
const grace = 5 * time.Second

// Serve answers on l until ctx ends, then ends all streams, closes l and returns nil. It returns an error only if it cannot accept connections.
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
	end() // before Shutdown, which waits for requests: streams are requests
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // a client may accept no more data
	}
	running.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}
