package faults

import (
	"context"
	"net"
	"sync"
)

// relay forwards bytes between two servers until it is frozen. A frozen relay forwards nothing, not even the end of a connection, like a network
// that drops all packets. A [Proxy] cannot do this, because the stream that a replica of Redis reads is not commands and replies.
type relay struct {
	addr     string
	listener net.Listener
	pumps    sync.WaitGroup

	mu     sync.Mutex
	frozen bool
	ends   []net.Conn
}

func startRelay(ctx context.Context, upstream string) (*relay, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{addr: l.Addr().String(), listener: l}
	r.pumps.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return // closed
			}
			var dialer net.Dialer
			far, err := dialer.DialContext(ctx, "tcp", upstream)
			if err != nil {
				_ = near.Close()
				continue
			}
			r.mu.Lock()
			r.ends = append(r.ends, near, far)
			r.mu.Unlock()
			r.pumps.Go(func() { r.pump(near, far) })
			r.pumps.Go(func() { r.pump(far, near) })
		}
	})
	return r, nil
}

// pump forwards one direction of a connection and its end.
func (r *relay) pump(from, to net.Conn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		r.mu.Lock()
		frozen := r.frozen
		r.mu.Unlock()
		if frozen && err == nil {
			continue
		}
		if frozen {
			return
		}
		if _, failed := to.Write(b[:n]); failed != nil || err != nil {
			_ = to.Close()
			return
		}
	}
}

// freeze drops all bytes from now on.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = true
}

// close ends all connections, and waits for the goroutines.
func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for _, c := range r.ends {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.pumps.Wait()
}
