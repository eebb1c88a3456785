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

// Proxy is a TCP proxy between replicas and Redis that understands RESP, so that a fault can concern the reply of one command. It
// forwards whole frames. All methods are safe for concurrent use; a fault lasts until the next [Proxy.Heal].
type Proxy struct {
	Addr  string
	pumps sync.WaitGroup

	mu       sync.Mutex
	upstream string
	listener net.Listener
	links    map[*link]struct{}
	delay    [2]time.Duration
	gates    [2]chan struct{} // closed where a direction is open
	harm     func(command string, reply []byte) (keep int, harm Harm)
	counts   map[string]int
	harmed   int
	more     chan struct{} // closed when the next reply is harmed
}

// Harm is what becomes of a reply, and of its connection.
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

// Delay has each frame of a direction wait. Frames keep their order and do not wait for each other.
func (p *Proxy) Delay(d Direction, by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay[d] = by
}

// Hang has frames of a direction wait until the proxy is healed. Connections are accepted, and bytes are read.
func (p *Proxy) Hang(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		select {
		case <-p.gates[d]:
			p.gates[d] = make(chan struct{})
		default: // hangs already
		}
	}
}

// Lose drops a share of the replies to a command, after Redis has executed the command, and ends the connections. The harm says how.
// Which replies are dropped is drawn from the seed.
func (p *Proxy) Lose(command string, share float64, harm Harm, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // faults need no secret numbers
	p.harmReplies(func(of string, _ []byte) (int, Harm) {
		if of == command && rnd.Float64() < share {
			return 0, harm
		}
		return 0, None
	})
}

// Truncate forwards only the first bytes of one reply to a command, and closes the connection. Later replies are whole.
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

// TruncateInTurn truncates every second reply to a command, each at one byte more than the one before, from none on, and closes the
// connection. The channel is closed when a reply was forwarded that has no such byte: then each was tried.
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

// harmReplies sets what decides about each reply. The function is called with the proxy locked.
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

// Heal ends all faults. Frames that hung go on.
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

// Turn has new connections go to another server, and resets the ones that are there.
func (p *Proxy) Turn(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
	for l := range p.links {
		l.end(Reset)
	}
}

// Count is how many commands of a name were forwarded to Redis.
func (p *Proxy) Count(command string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[command]
}

// Harmed is how many replies were dropped or truncated.
func (p *Proxy) Harmed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.harmed
}

// AwaitHarmed waits until n replies were dropped or truncated in all.
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
			return fmt.Errorf("proxy: no %d replies were harmed: %w", n, context.Cause(ctx))
		}
	}
}
