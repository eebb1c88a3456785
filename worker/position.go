package worker

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
)

// Position is the data of a position event: which calls of an analysis wait, and why. It is of the whole replica: analyses share its queues.
type Position struct {
	Waits []Wait `json:"waits"` // of a second or more, by provider; none where nothing waits that long any more
}

// Wait is how long a call of a route would wait that came now.
type Wait struct {
	Route   string   `json:"route"`
	WaitMS  *int64   `json:"wait_ms"` // null where somebody has to resume the bucket first
	Bucket  string   `json:"bucket"`  // that sets the time
	Reasons []string `json:"reasons"` // what holds it back besides the calls before: paused, held, follows, disputed, forgotten, recovering
	InLine  int      `json:"in_line"` // routes of replicas that wait for it
}

const (
	// positionEvery is how often a replica reads where its calls stand, while an analysis runs.
	positionEvery = 3 * time.Second
	// worthTelling is the wait from which on it is told.
	worthTelling = time.Second
)

// positions reads where calls stand, once for all analyses of a replica.
type positions struct {
	mu sync.Mutex
	at time.Time
	p  Position
}

// read returns what was read last, or reads where that is too long ago. What cannot be read does not wait: Redis is gone, and other events say so.
func (s *positions) read(ctx context.Context, l *limiter.Limiter) Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.at) < positionEvery {
		return s.p
	}
	s.at, s.p = time.Now(), Position{Waits: []Wait{}}
	for _, route := range []string{providers.APIAnthropic, providers.APISpotify, providers.APILastFM} {
		p, err := l.Where(ctx, route)
		if err != nil || p.In < worthTelling {
			continue
		}
		w := Wait{Route: route, Bucket: p.Bucket, Reasons: []string{}, InLine: len(p.Line)}
		if p.In != limiter.UntilResumed {
			ms := p.In.Milliseconds()
			w.WaitMS = &ms
		}
		for _, r := range p.Why {
			w.Reasons = append(w.Reasons, string(r.Kind))
		}
		s.p.Waits = append(s.p.Waits, w)
	}
	return s.p
}

// tellPositions reports where calls stand while an analysis runs, as long as some wait, and once when they do not any more. The returned function
// ends it.
func (w *Worker) tellPositions(ctx context.Context, report func(sse.Event) error) (end func()) {
	have := w.parts.Load()
	if have == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var told sync.WaitGroup
	told.Go(func() {
		tick := time.NewTicker(positionEvery)
		defer tick.Stop()
		waited := false
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			p := w.positions.read(ctx, have.limiter)
			if len(p.Waits) > 0 || waited {
				_ = report(event("position", "position", p)) // as with progress
				for _, wait := range p.Waits {
					attrs := []attribute.KeyValue{attribute.String("weir.route", wait.Route), attribute.String("weir.bucket", wait.Bucket), attribute.StringSlice("weir.reasons", wait.Reasons)}
					if wait.WaitMS != nil {
						attrs = append(attrs, attribute.Int64("weir.wait_ms", *wait.WaitMS))
					}
					trace.SpanFromContext(ctx).AddEvent("position", trace.WithAttributes(attrs...))
				}
			}
			waited = len(p.Waits) > 0
		}
	})
	return func() { cancel(); told.Wait() }
}
