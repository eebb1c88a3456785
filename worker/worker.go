package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/fleet"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// Worker is one replica. Its methods are safe for concurrent use.
type Worker struct {
	cfg     Config // fixed at construction, like started
	started time.Time

	gate     *gate.Gate
	unready  atomic.Bool            // the replica has to end
	draining atomic.Bool            // and accepts no more analyses
	parts    atomic.Pointer[parts]  // nil until Redis was reached
	trouble  atomic.Pointer[string] // why Redis was not reached, as of the last attempt
	reported atomic.Pointer[string] // why the replica is not ready, as of the last log line; "" if ready
	address  atomic.Pointer[string] // at which the replica answers HTTP

	positions positions

	mu sync.Mutex // serializes Connect
}

// parts are the parts that a replica has once it has reached Redis.
type parts struct {
	limiter      *limiter.Limiter
	orchestrator *orchestrator.Orchestrator
	analyzer     *analysis.Analyzer
	desk         *desk.Desk
}

// New returns a replica that has not connected to Redis yet, or an error that names the fault in its configuration.
func New(cfg Config) (*Worker, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	// A limiter in memory and an orchestrator without metrics check everything that can be checked without Redis.
	unmeasured := cfg.limits()
	unmeasured.MeterProvider = noop.NewMeterProvider()
	memory, err := limiter.NewMemory(unmeasured)
	if err != nil {
		return nil, err
	}
	apis := cfg.clients()
	apis.Limiter = memory
	if _, err := providers.NewClients(apis); err != nil {
		return nil, err
	}
	if _, err := orchestrator.New(orchestrator.Config{Limiter: memory, Slots: cfg.Slots, MeterProvider: unmeasured.MeterProvider}); err != nil {
		return nil, err
	}
	if _, err := desk.New(cfg.desk("any")); err != nil {
		return nil, err
	}
	before, err := gate.New(cfg.gate())
	if err != nil {
		return nil, err
	}
	return &Worker{cfg: cfg, started: time.Now(), gate: before, positions: newPositions()}, nil
}

// Connect connects to Redis and gets the replica ready. It does nothing if it has succeeded before. After an error that
// wraps [limiter.ErrUnavailable] it may be called again.
func (w *Worker) Connect(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.parts.Load() != nil {
		return nil
	}
	l, err := limiter.New(ctx, w.cfg.Redis, w.cfg.limits())
	if err != nil {
		return err
	}
	apis := w.cfg.clients()
	apis.Limiter = l
	clients, err := providers.NewClients(apis)
	if err != nil {
		return err
	}
	o, err := orchestrator.New(orchestrator.Config{
		Limiter: l, Slots: w.cfg.Slots, RouteSlots: analysis.RouteSlots(w.cfg.Slots), Route: shared, Retry: analysis.Retry(w.cfg.Deadline),
		TracerProvider: w.cfg.TracerProvider, MeterProvider: w.cfg.MeterProvider, Logger: w.cfg.Logger,
	})
	if err != nil {
		return err
	}
	d, err := desk.New(w.cfg.desk(l.Replica()))
	if err != nil {
		return err
	}
	if err := l.Section(fleet.ServerSection, w.section); err != nil {
		return err
	}
	w.parts.Store(&parts{limiter: l, orchestrator: o, analyzer: analysis.NewAnalyzer(o, clients), desk: d})
	return nil
}

// Analyze runs one analysis in this process, as the HTTP endpoint does, without HTTP. Call [Worker.Connect] first. The
// analysis ends with an error at [Config.Deadline].
func (w *Worker) Analyze(ctx context.Context, p playlist.Playlist, report func(analysis.Progress)) (*analysis.Result, error) {
	have := w.parts.Load()
	if have == nil {
		return &analysis.Result{}, fmt.Errorf("worker: not connected: %w", limiter.ErrUnavailable)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.cfg.Deadline, fmt.Errorf("it has not ended within its deadline of %v: %w", w.cfg.Deadline, context.DeadlineExceeded))
	defer cancel()
	if err := have.open(ctx); err != nil {
		return &analysis.Result{}, err
	}
	return have.analyzer.Analyze(ctx, p, report)
}

// open returns an error if an analysis needs a provider that has asked to wait until after the deadline of ctx. Then
// calls to the other providers would be useless. If the state of a bucket cannot be read, open returns nil and the
// calls find out.
func (p *parts) open(ctx context.Context) error {
	s, err := p.limiter.Snapshot(ctx)
	if err != nil {
		return nil
	}
	deadline, _ := ctx.Deadline()
	for _, b := range s.Buckets {
		needed := b.Bucket == shared || b.Bucket == providers.APIAnthropic || b.Bucket == providers.APISpotify
		if needed && time.Until(deadline) < b.PausedFor {
			return &analysis.StepError{Step: "begin", Err: fmt.Errorf("bucket %s is shut, because its provider refuses calls or somebody has paused it: %w",
				b.Bucket, &limiter.DeadlineError{Route: b.Bucket, Ready: b.PausedFor})}
		}
	}
	return nil
}

// Snapshot returns the state of the replica's tasks; zero before [Worker.Connect] has succeeded.
func (w *Worker) Snapshot() orchestrator.Snapshot {
	if have := w.parts.Load(); have != nil {
		return have.orchestrator.Snapshot()
	}
	return orchestrator.Snapshot{}
}

// section returns the part of the worker in the record of its replica.
func (w *Worker) section() any {
	s := fleet.Server{Draining: w.unready.Load(), Version: w.cfg.Version}
	if address := w.address.Load(); address != nil {
		s.Addr = *address
	}
	return s
}

// connect tries until it succeeds or ctx ends. It logs the reason of a failure when the reason changes, and again after
// a minute, after two more, after four more, and so on.
func (w *Worker) connect(ctx context.Context) bool {
	retry := time.NewTicker(time.Second)
	defer retry.Stop()
	var again time.Time
	for logged, pause := "", time.Duration(0); ; {
		err := w.Connect(ctx)
		if err == nil {
			return true
		}
		reason := trouble(err)
		w.trouble.Store(&reason)
		if reason != logged {
			logged, again, pause = reason, time.Now(), time.Minute
		}
		if !time.Now().Before(again) && ctx.Err() == nil {
			w.cfg.Logger.WarnContext(ctx, "not ready; trying again each second", "reason", reason, "error", err)
			again, pause = again.Add(pause), 2*pause
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return false
		}
	}
}

// trouble returns why Redis cannot be used, with the text of its reply if there was one.
func trouble(err error) string {
	if reply, refused := errors.AsType[redis.Error](err); refused {
		return "redis refuses: " + reply.Error()
	}
	if errors.Is(err, limiter.ErrUnavailable) {
		return "redis does not answer"
	}
	return "redis cannot be used, the log says why" // the error may contain a time, which differs each second
}

// Close ends a replica that has connected but never served.
func (w *Worker) Close(ctx context.Context) error {
	have := w.parts.Load()
	if have == nil {
		return nil
	}
	return errors.Join(have.desk.Close(ctx), have.orchestrator.Close(ctx), have.limiter.Close(ctx))
}
