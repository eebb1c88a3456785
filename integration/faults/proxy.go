package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Direction is one of the two ways through a proxy.
type Direction int

// The directions.
const (
	Commands Direction = iota // from replicas to Redis
	Replies                   // from Redis to replicas
)

// Proxy is a TCP proxy between replicas and Redis. It understands RESP and forwards whole frames, so that a fault can affect only the replies to
// one command. All methods are safe for concurrent use. A fault lasts until the next [Proxy.Heal].
type Proxy struct {
	Addr  string
	pumps sync.WaitGroup

	mu       sync.Mutex
	upstream string
	listener net.Listener
	links    map[*link]struct{}
	delay    [2]time.Duration
	gates    [2]chan struct{} // of each direction; the channel is closed while frames may pass
	harm     func(command string, reply []byte) (keep int, harm Harm)
	counts   map[string]int
	harmed   int
	more     chan struct{} // closed when the next reply is harmed
}

// Harm says how the proxy ends the connection of a reply that it drops or truncates.
type Harm int

// The harms.
const (
	None   Harm = iota
	Reset       // the connection is reset (RST)
	Finish      // the connection is closed in order (FIN)
)

// StartProxy starts a proxy for a server on a free port of this machine.
func StartProxy(ctx context.Context, upstream string) (*Proxy, error) {
	p := &Proxy{upstream: upstream, links: map[*link]struct{}{}, counts: map[string]int{}, more: make(chan struct{})}
	p.gates[Commands], p.gates[Replies] = opened(), opened()
	if err := p.listen(ctx, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	p.Addr = p.listener.Addr().String()
	return p, nil
}

func opened() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (p *Proxy) listen(ctx context.Context, addr string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = l
	p.pumps.Go(func() { p.accept(ctx, l) })
	return nil
}

// Close ends the proxy and waits for its goroutines.
func (p *Proxy) Close() {
	p.Cut()
	p.pumps.Wait()
}

// Delay delays each frame of a direction. Frames keep their order, and their delays do not add up.
func (p *Proxy) Delay(d Direction, by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay[d] = by
}

// Hang holds back the frames of the directions until [Proxy.Heal]. The proxy still accepts connections and reads their bytes.
func (p *Proxy) Hang(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		select {
		case <-p.gates[d]:
			p.gates[d] = make(chan struct{})
		default: // the direction hangs already
		}
	}
}

// Lose drops a share of the replies to a command, after Redis has executed the command. It ends the connections of these replies as the harm
// says. The seed decides which replies are dropped.
func (p *Proxy) Lose(command string, share float64, harm Harm, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // faults need no secret numbers
	p.harmReplies(func(of string, _ []byte) (int, Harm) {
		if of == command && rnd.Float64() < share {
			return 0, harm
		}
		return 0, None
	})
}

// Truncate forwards only the first keep bytes of the next reply to a command that is longer, and ends the connection as the harm says. Later
// replies are whole.
func (p *Proxy) Truncate(command string, keep int, harm Harm) {
	done := false
	p.harmReplies(func(of string, reply []byte) (int, Harm) {
		if done || of != command || keep >= len(reply) {
			return 0, None
		}
		done = true
		return keep, harm
	})
}

// TruncateInTurn truncates every second reply to a command and ends its connection. The first of these replies keeps no byte, each further one
// keeps one byte more. TruncateInTurn closes the returned channel at the first reply that is not longer than that: every length was tried.
func (p *Proxy) TruncateInTurn(command string, harm Harm) <-chan struct{} {
	keep, other, done := 0, false, make(chan struct{})
	p.harmReplies(func(of string, reply []byte) (int, Harm) {
		if of != command || keep < 0 {
			return 0, None
		}
		if other = !other; other {
			return 0, None
		}
		if keep >= len(reply) {
			keep = -1
			close(done)
			return 0, None
		}
		keep++
		return keep - 1, harm
	})
	return done
}

// harmReplies sets the function that decides about each reply. The proxy calls it with mu locked.
func (p *Proxy) harmReplies(harm func(command string, reply []byte) (int, Harm)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.harm = harm
}

// Cut resets all connections and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.end(Reset)
	}
}

// Heal ends all faults, and forwards the frames that were held back. It returns an error if the proxy cannot listen again.
func (p *Proxy) Heal(ctx context.Context) error {
	p.mu.Lock()
	p.delay, p.harm = [2]time.Duration{}, nil
	for d, gate := range p.gates {
		select {
		case <-gate:
		default:
			close(p.gates[d])
		}
	}
	listens := p.listener != nil
	p.mu.Unlock()
	if listens {
		return nil
	}
	return p.listen(ctx, p.Addr)
}

// Turn resets all connections, and connects new ones to another server.
func (p *Proxy) Turn(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
	for l := range p.links {
		l.end(Reset)
	}
}

// Count returns how many commands of a name were forwarded to Redis.
func (p *Proxy) Count(command string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[command]
}

// Harmed returns how many replies were dropped or truncated.
func (p *Proxy) Harmed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.harmed
}

// AwaitHarmed waits until the proxy has dropped or truncated n replies since its start. It returns an error if ctx ends first.
func (p *Proxy) AwaitHarmed(ctx context.Context, n int) error {
	for {
		p.mu.Lock()
		enough, more := p.harmed >= n, p.more
		p.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("proxy: fewer than %d replies were dropped or truncated: %w", n, context.Cause(ctx))
		}
	}
}
