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

// Position is the data of a position event: which calls of an analysis wait, and why. It describes the whole replica,
// because analyses share its queues.
type Position struct {
	Waits []Wait `json:"waits"` // of a second or more, by provider; empty once no call waits that long
}

// Wait is how long a new call of a route would wait.
type Wait struct {
	Route   string   `json:"route"`
	WaitMS  *int64   `json:"wait_ms"` // null if an operator has to resume the bucket first
	Bucket  string   `json:"bucket"`  // the bucket that sets the time
	Reasons []string `json:"reasons"` // paused, held, follows, disputed, forgotten or recovering
	InLine  int      `json:"in_line"` // routes of replicas that wait for the bucket
}

const (
	// positionEvery is how often a replica reads the position of its calls while an analysis runs.
	positionEvery = 3 * time.Second
	// worthTelling is the shortest wait that is reported.
	worthTelling = time.Second
)

// positions reads the position of calls, once for all analyses of a replica.
type positions struct {
	turn chan struct{} // has a value while a goroutine reads; guards the rest
	at   time.Time
	p    Position
}

func newPositions() positions { return positions{turn: make(chan struct{}, 1)} }

// patience is how long a reading may take: a missed position does not matter, the next one follows.
const patience = time.Second

// read returns the last reading, or reads again if that is too old. It fails if Redis does not answer, which other
// events report, or ctx ends.
func (s *positions) read(ctx context.Context, l *limiter.Limiter) (Position, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return Position{}, context.Cause(ctx)
	}
	if time.Since(s.at) < positionEvery {
		return s.p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := Position{Waits: []Wait{}}
	for _, route := range []string{providers.APIAnthropic, providers.APISpotify, providers.APILastFM} {
		at, err := l.Where(ctx, route)
		if err != nil {
			return Position{}, err
		}
		if at.In < worthTelling {
			continue
		}
		w := Wait{Route: route, Bucket: at.Bucket, Reasons: []string{}, InLine: len(at.Line)}
		if at.In != limiter.UntilResumed {
			ms := at.In.Milliseconds()
			w.WaitMS = &ms
		}
		for _, r := range at.Why {
			w.Reasons = append(w.Reasons, string(r.Kind))
		}
		p.Waits = append(p.Waits, w)
	}
	s.at, s.p = time.Now(), p
	return p, nil
}

// tellPositions reports the position of calls while an analysis runs and calls wait, and once more when no call waits
// any longer. The returned function ends the reports.
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
			p, err := w.positions.read(ctx, have.limiter)
			if err != nil {
				continue
			}
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
