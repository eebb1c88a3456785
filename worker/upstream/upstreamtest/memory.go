package upstreamtest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Client returns a client whose requests reach the API in memory, whatever the scheme and the host of their URL are.
// Its Transport is an http.RoundTripper with the same property. Every request has a connection of its own.
func (a *API) Client() *http.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inside == nil {
		a.inside = &inside{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &httptest.Server{Listener: a.inside, Config: &http.Server{Handler: a}} //nolint:gosec // no strangers
		server.Start()
		a.tb.Cleanup(server.Close)
	}
	return &http.Client{Transport: &http.Transport{
		DialContext:       a.inside.dial,
		DialTLSContext:    a.inside.dial, // for clients with a fixed https address: nothing is encrypted
		DisableKeepAlives: true,          // else net/http would repeat a request whose connection was closed
	}}
}

// inside is a listener without a socket. Its pipes are channels, so that a bubble's clock advances while they wait.
type inside struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *inside) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *inside) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *inside) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *inside) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }
