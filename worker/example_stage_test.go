package worker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
)

// stage is what the examples of an analysis need: providers that are simulated in this process, their clients, and an orchestrator.
type stage struct {
	provider *upstream.Server
	clients  *providers.Clients
	orch     *orchestrator.Orchestrator
	limiter  *limiter.Limiter

	mu         sync.Mutex
	busy, most int // requests under way: now, and at most
}

// newStage returns a stage whose providers allow so many calls together. With weir calls keep to that limit, ten at a time. Without weir
// nothing bounds them.
func newStage(allows upstream.Config, weir bool) (*stage, error) {
	s := &stage{}
	var err error
	if s.provider, err = upstream.New(allows); err != nil {
		return nil, err
	}
	cfg := limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(int64(allows.Total.Rate), allows.Total.Burst)}},
		Routes:  map[string][]string{"anthropic": {"global"}, "spotify": {"global"}, "lastfm": {"global"}},
	}
	bounded, slots := limiter.NewMemory, 10 // limiter.New shares the budget with other replicas
	if !weir {
		bounded, slots = limiter.NewUnlimited, 1000
	}
	if s.limiter, err = bounded(cfg); err != nil {
		return nil, err
	}
	if s.orch, err = orchestrator.New(orchestrator.Config{Limiter: s.limiter, Slots: slots}); err != nil {
		return nil, err
	}
	const here = "http://providers.test"
	s.clients, err = providers.NewClients(providers.ClientConfig{
		AnthropicURL: here, SpotifyURL: here, LastFMURL: here, AnthropicKey: "k", SpotifyToken: "k", LastFMKey: "k",
		Limiter: s.limiter, Base: s,
	})
	return s, err
}

// RoundTrip takes a request to the simulated providers, without a network.
func (s *stage) RoundTrip(req *http.Request) (*http.Response, error) {
	s.count(1)
	defer s.count(-1)
	if req.Body == nil {
		req.Body = http.NoBody
	}
	defer req.Body.Close()
	out := httptest.NewRecorder()
	s.provider.ServeHTTP(out, req)
	res := out.Result()
	res.Request = req
	return res, req.Context().Err()
}

func (s *stage) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += n
	s.most = max(s.most, s.busy)
}

// sideBySide returns the greatest number of requests in flight at the same time.
func (s *stage) sideBySide() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *stage) close(ctx context.Context) {
	_ = s.orch.Close(ctx)
	_ = s.limiter.Close(ctx)
}

// progress is a queue of events about a running analysis. A client takes one after the other.
type progress struct {
	mu    sync.Mutex
	queue []sse.Frame
	sent  int  // events that the client has taken
	ended bool // no more events come
	moved chan struct{}
}

func newProgress() *progress { return &progress{moved: make(chan struct{})} }

// writeAsync queues an event and does not wait for the client.
func (p *progress) writeAsync(name, data string) {
	frame, err := sse.Event{Name: name, Data: []byte(data)}.Frame()
	if err != nil {
		return // only an invalid name is an error, and the examples have none
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, frame)
	p.wakeLocked()
}

// flush waits until the client has taken every event that is queued.
func (p *progress) flush(ctx context.Context) error {
	return p.until(ctx, func() bool { return p.sent == len(p.queue) })
}

// write queues an event and waits until the client has taken it.
func (p *progress) write(ctx context.Context, name, data string) error {
	p.writeAsync(name, data)
	return p.flush(ctx)
}

// end ends the stream of the client.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.wakeLocked()
}

// follow returns the function with which a client takes events, such as [sse.Writer.Serve]. When the client asks for the next event, it has
// taken the one before.
func (p *progress) follow() func(context.Context) (sse.Frame, error) {
	next := 0
	return func(ctx context.Context) (sse.Frame, error) {
		p.mu.Lock()
		p.sent = next
		p.wakeLocked()
		p.mu.Unlock()
		if err := p.until(ctx, func() bool { return next < len(p.queue) || p.ended }); err != nil {
			return sse.Frame{}, err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if next == len(p.queue) {
			return sse.Frame{}, io.EOF
		}
		next++
		return p.queue[next-1], nil
	}
}

func (p *progress) wakeLocked() {
	close(p.moved)
	p.moved = make(chan struct{})
}

// until waits for a condition, which it checks under the lock.
func (p *progress) until(ctx context.Context, holds func() bool) error {
	for {
		p.mu.Lock()
		done, moved := holds(), p.moved
		p.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
