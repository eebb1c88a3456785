package faults

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

func (p *Proxy) accept(ctx context.Context, l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed
		}
		p.pumps.Go(func() { p.join(ctx, client) })
	}
}

// join connects a client with the server, and forwards frames until either side closes the connection.
func (p *Proxy) join(ctx context.Context, client net.Conn) {
	p.mu.Lock()
	upstream := p.upstream
	p.mu.Unlock()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(ctx, "tcp", upstream)
	if err != nil {
		reset(client)
		return
	}
	l := &link{client: client, server: server, ended: make(chan struct{}), asked: make(chan string, 4096)}
	p.mu.Lock()
	if p.listener == nil || p.upstream != upstream { // cut or turned in the meantime
		l.end(Reset)
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	var both sync.WaitGroup
	both.Go(func() { p.pump(l, Commands) })
	both.Go(func() { p.pump(l, Replies) })
	both.Wait()
}

// late is a frame that is forwarded at its due time, or later.
type late struct {
	frame   []byte
	command string // of a reply: the command that it answers
	due     time.Time
}

// pump forwards one direction of a connection. It reads frames while earlier ones wait, so that a delay does not limit the bandwidth.
func (p *Proxy) pump(l *link, d Direction) {
	from, to := l.client, l.server
	if d == Replies {
		from, to = l.server, l.client
	}
	frames := make(chan late, 4096)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(frames)
		for r := bufio.NewReader(from); ; {
			frame, err := readFrame(r)
			if err != nil {
				return
			}
			f := late{frame: frame}
			if d == Replies && frame[0] != '>' { // '>' is a push message, which answers no command
				select {
				case f.command = <-l.asked:
				default: // an error that a server sends before it closes a new connection
				}
			}
			p.mu.Lock()
			f.due = time.Now().Add(p.delay[d])
			p.mu.Unlock()
			select {
			case frames <- f:
			case <-l.ended:
				return
			}
		}
	})
	for f := range frames {
		if !p.forward(l, to, f, d) {
			break
		}
	}
	l.end(Finish)
	reader.Wait()
}

// forward sends a frame when it is due and its direction is open. It reports whether the connection is still open.
func (p *Proxy) forward(l *link, to net.Conn, f late, d Direction) bool {
	if wait := time.Until(f.due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.ended:
			return false
		}
	}
	p.mu.Lock()
	gate := p.gates[d]
	p.mu.Unlock()
	select {
	case <-gate:
	case <-l.ended:
		return false
	}
	frame, harm := p.decide(f, d)
	if d == Commands {
		select {
		case l.asked <- commandOf(frame): // before the command is sent, and so before its reply
		case <-l.ended:
			return false
		}
	}
	if len(frame) > 0 {
		if _, err := to.Write(frame); err != nil {
			return false
		}
	}
	if harm != None {
		l.end(harm)
		return false
	}
	return true
}

// decide returns the bytes of a frame that are forwarded, and the harm to its connection. It counts commands. Only replies are harmed.
func (p *Proxy) decide(f late, d Direction) ([]byte, Harm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == Commands {
		p.counts[commandOf(f.frame)]++
		return f.frame, None
	}
	if p.harm == nil {
		return f.frame, None
	}
	keep, harm := p.harm(f.command, f.frame)
	if harm == None {
		return f.frame, None
	}
	p.harmed++
	close(p.more)
	p.more = make(chan struct{})
	return f.frame[:keep], harm
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	asked          chan string // commands that Redis has not replied to, in order
	once           sync.Once
	ended          chan struct{}
}

// end closes both sides of the connection, the side of the client as the harm says. Only the first call has an effect.
func (l *link) end(how Harm) {
	l.once.Do(func() {
		close(l.ended)
		if how == Reset {
			reset(l.client)
		}
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

// reset closes a connection with RST.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
