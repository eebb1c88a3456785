package orchestrator_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

var full = flag.Bool("full", false, "run the long form of tests that have one")

// TestEverythingAtOnce uses all features of an orchestrator at the same time, with functions, hooks and a limiter that misbehave,
// and drains it in the middle. Each accepted task has one outcome. It never runs twice at the same time, nor more often than it may.
// Functions take no more slots than configured. The numbers of the snapshot add up, every span ends, nothing hangs, and no goroutine
// is left.
func TestEverythingAtOnce(t *testing.T) {
	seeds := uint64(60)
	if *full {
		seeds = 3000
	}
	if raceDetector && !*full {
		seeds /= 2
	}
	var all [kinds]int64
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStress(t, seed)
				s.play()
				for k := range all {
					all[k] += s.did[k].Load()
				}
			})
		})
	}
	names := [kinds]string{"values", "errors", "panics", "ends of goroutines", "overruns", "children", "refused or ended early", "joined, batched or streamed", "reservations that came too late"}
	for k, n := range all {
		t.Log(n, names[k])
		if n == 0 && (k != lateKind || *full) {
			t.Error("none:", names[k])
		}
	}
}

// The kinds of actions in the stress test.
const (
	valueKind = iota
	errorKind
	panicKind
	goexitKind
	overrunKind
	childKind
	endedKind
	togetherKind
	lateKind // rare: one in a thousand seeds
	kinds
)

type stress struct {
	t        *testing.T
	rnd      *rand.Rand // only for the goroutine that starts users
	o        *orchestrator.Orchestrator
	l        *limiter.Limiter
	batcher  *orchestrator.Batcher[int, int]
	cfg      orchestrator.Config
	nested   bool // functions may wait for other tasks, so that slots are lent
	together bool // keys, batchers and streams are used; callers cannot count the tasks of these
	recorder *tracetest.SpanRecorder

	running, most, tasks atomic.Int64
	did                  [kinds]atomic.Int64
}

func newStress(t *testing.T, seed uint64) *stress {
	t.Helper()
	s := &stress{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), recorder: tracetest.NewSpanRecorder()}
	s.nested, s.together = s.rnd.IntN(2) == 0, s.rnd.IntN(2) == 0
	rate := 1 + s.rnd.Int64N(500)
	var err error
	s.l, err = limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"global": {limiter.PerSecond(rate, 5+s.rnd.Int64N(rate+1))}, "slow": {{Tokens: 5, Per: time.Second, Burst: 5}},
		},
		Routes:  map[string][]string{"slow": {"slow", "global"}, "other": {"global"}},
		MaxWait: []time.Duration{0, time.Minute}[s.rnd.IntN(2)],
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cfg = orchestrator.Config{
		Limiter: &moody{Limiter: s.l, rnd: rand.New(rand.NewPCG(seed, 2)), bad: s.rnd.IntN(3) == 0},
		Slots:   1 + s.rnd.IntN(8), RouteSlots: map[string]int{"slow": s.rnd.IntN(3)},
		MaxPending: []int{3, 20, 1000}[s.rnd.IntN(3)], Full: orchestrator.Full(s.rnd.IntN(3)), WarnPending: s.rnd.IntN(10),
		Retry:      orchestrator.Retry{Attempts: 1 + s.rnd.IntN(4), First: time.Duration(1+s.rnd.IntN(100)) * time.Millisecond},
		MaxBatches: 1 + s.rnd.IntN(3), KeepBatches: time.Second,
		OnPanic: func(p *orchestrator.PanicError) {
			switch p.Value {
			case 1:
				panic("the hook")
			case 2:
				runtime.Goexit()
			}
		},
		Logger:         slog.New(&dozing{Handler: slog.DiscardHandler, doze: s.rnd.IntN(3) == 0}),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.recorder)),
	}
	if s.o, err = orchestrator.New(s.cfg); err != nil {
		t.Fatal(err)
	}
	s.batcher, err = orchestrator.NewBatcher(s.o, func(ctx context.Context, keys []int) (map[int]int, error) {
		found := map[int]int{}
		for _, k := range keys[:len(keys)/2] {
			found[k] = k
		}
		_, err := s.misbehave(ctx, rand.New(rand.NewPCG(seed, uint64(keys[0]))), 2)
		return found, err
	}, orchestrator.BatcherConfig{Size: 4, Delay: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// moody is a limiter that fails now and then, or is slow.
type moody struct {
	*limiter.Limiter

	mu  sync.Mutex
	rnd *rand.Rand // guarded by mu
	bad bool
}

func (m *moody) ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, limiter.Turn, error) {
	m.mu.Lock()
	mood := m.rnd.IntN(8)
	m.mu.Unlock()
	if m.bad {
		switch mood {
		case 0:
			return nil, limiter.Turn{}, errors.New("the limiter is away")
		case 1:
			time.Sleep(50 * time.Millisecond)
		}
	}
	return m.Limiter.ReserveBatch(ctx, route, runs...) //nolint:wrapcheck // the limiter's own error
}

// dozing is a log handler that sometimes needs time for a line. The goroutine of a task waits for it, and reservations expire.
type dozing struct {
	slog.Handler

	doze  bool
	lines atomic.Int64
}

func (d *dozing) Enabled(context.Context, slog.Level) bool { return d.doze }

func (d *dozing) Handle(context.Context, slog.Record) error {
	if d.lines.Add(1)%2 == 0 {
		time.Sleep(3 * time.Second)
	}
	return nil
}

// hostile is an error whose methods misbehave.
type hostile struct{}

func (hostile) Error() string   { panic("Error") }
func (hostile) Is(error) bool   { panic("Is") }
func (hostile) Unwrap() []error { panic("Unwrap") }

// misbehave is the body of the tasks' functions.
func (s *stress) misbehave(ctx context.Context, rnd *rand.Rand, depth int) (int, error) {
	time.Sleep(time.Duration(rnd.IntN(30)) * time.Millisecond)
	what := rnd.IntN(14)
	if s.nested && depth < 2 && what < 4 {
		s.did[childKind].Add(1)
		s.running.Add(-1) // it lends its slot
		defer s.running.Add(1)
		switch what {
		case 0:
			return orchestrator.Execute(ctx, s.o, s.function(rnd, depth+1, 0), s.options(rnd)...)
		case 1:
			f, err := orchestrator.Submit(ctx, s.o, s.function(rnd, depth+1, 0), s.options(rnd)...)
			if err != nil {
				return 0, err
			}
			return f.Await(ctx)
		default:
			b, err := orchestrator.Map(ctx, s.o, "", []int{1, 2, 3}, s.mapped(depth+1))
			if err != nil {
				return 0, err
			}
			_, err = b.Values(ctx)
			return 0, err
		}
	}
	switch what {
	case 0, 1:
		s.did[errorKind].Add(1)
		return 0, orchestrator.Again(errFailed, time.Duration(rnd.IntN(50))*time.Millisecond)
	case 2:
		s.did[errorKind].Add(1)
		return 0, hostile{}
	case 3:
		s.did[errorKind].Add(1)
		return 0, errFailed
	case 4:
		s.did[panicKind].Add(1)
		panic(rnd.IntN(3))
	case 5:
		s.did[panicKind].Add(1)
		panic(hostile{})
	case 6:
		s.did[goexitKind].Add(1)
		runtime.Goexit()
	case 7:
		s.did[overrunKind].Add(1)
		time.Sleep(time.Second) // also if its context ends
	case 8:
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
		return 0, context.Cause(ctx)
	}
	s.did[valueKind].Add(1)
	return what, nil
}

// function returns a task that may misbehave. The test fails if the task runs twice at once, or more often than it may.
func (s *stress) function(rnd *rand.Rand, depth, attempts int) orchestrator.Task[int] {
	var runs, now atomic.Int64
	seed := rnd.Uint64()
	return func(ctx context.Context) (int, error) {
		n := runs.Add(1)
		if now.Add(1) > 1 {
			s.t.Error("a task runs twice at the same time")
		}
		defer now.Add(-1)
		if most := cmp.Or(attempts, s.cfg.Retry.Attempts); int(n) > most {
			s.t.Errorf("a task runs for the %dth time, of %d", n, most)
		}
		if !s.nested {
			in := s.running.Add(1)
			defer s.running.Add(-1)
			for most := s.most.Load(); in > most && !s.most.CompareAndSwap(most, in); most = s.most.Load() {
			}
		}
		return s.misbehave(ctx, rand.New(rand.NewPCG(seed, uint64(n))), depth) //nolint:gosec // small
	}
}

func (s *stress) mapped(depth int) func(context.Context, int) (int, error) {
	return func(ctx context.Context, i int) (int, error) {
		return s.misbehave(ctx, rand.New(rand.NewPCG(uint64(i), 7)), depth) //nolint:gosec // small
	}
}

func (s *stress) options(rnd *rand.Rand) []orchestrator.Option {
	opts := []orchestrator.Option{
		orchestrator.Route([]string{"global", "slow", "other"}[rnd.IntN(3)]), orchestrator.Priority(orchestrator.Class(rnd.IntN(3))),
		orchestrator.Share(fmt.Sprint(rnd.IntN(3))), orchestrator.Tokens(rnd.Int64N(4)), orchestrator.Weight(rnd.Int64N(1000)),
	}
	if rnd.IntN(3) == 0 {
		opts = append(opts, orchestrator.Costs(limiter.Costs{"global": rnd.Int64N(3)*2 + 1}))
	}
	if rnd.IntN(2) == 0 {
		opts = append(opts, orchestrator.Timeout(time.Duration(1+rnd.IntN(200))*time.Millisecond))
	}
	return opts
}

func (s *stress) play() {
	var users sync.WaitGroup
	for range 8 {
		rnd := rand.New(rand.NewPCG(s.rnd.Uint64(), 3))
		users.Go(func() {
			for range 12 {
				s.use(rnd)
				time.Sleep(time.Duration(rnd.IntN(40)) * time.Millisecond)
			}
		})
	}
	drain := orchestrator.Drain{HandBack: s.rnd.IntN(2) == 0, Grace: time.Duration(s.rnd.IntN(3)-1) * 700 * time.Millisecond}
	if s.rnd.IntN(3) > 0 {
		time.Sleep(time.Duration(s.rnd.IntN(1000)) * time.Millisecond)
	} else {
		users.Wait()
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(s.rnd.IntN(4000))*time.Millisecond)
	defer cancel()
	if _, err := s.o.Drain(ctx, drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.t.Error("drain:", err)
	}
	users.Wait()
	time.Sleep(time.Minute) // functions that were left behind return
	s.judge()
	if err := s.l.Close(s.t.Context()); err != nil {
		s.t.Error(err)
	}
}

// use is one random action of a user.
func (s *stress) use(rnd *rand.Rand) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Duration(1+rnd.IntN(3000))*time.Millisecond)
	if rnd.IntN(3) == 0 {
		cancel()
		cancellable, why := context.WithCancelCause(s.t.Context())
		ctx, cancel = cancellable, func() { why(nil) }
		time.AfterFunc(time.Duration(rnd.IntN(2000))*time.Millisecond, func() { why(hostile{}) })
	}
	defer cancel()
	what := rnd.IntN(9)
	if what > 5 && !s.together {
		what = rnd.IntN(6)
	}
	if what > 5 {
		s.did[togetherKind].Add(1)
	}
	if ctx.Err() != nil { // tasks with this context would not be counted
		return
	}
	switch opts := s.options(rnd); what {
	case 0, 1:
		s.tasks.Add(1)
		f, err := orchestrator.Submit(ctx, s.o, s.function(rnd, 0, 0), opts...)
		if err != nil {
			s.did[endedKind].Add(1)
			return
		}
		if rnd.IntN(2) == 0 {
			s.await(ctx, f)
		} else {
			time.AfterFunc(time.Duration(rnd.IntN(500))*time.Millisecond, func() { s.await(s.t.Context(), f) })
		}
	case 2, 3:
		s.tasks.Add(1)
		attempts := rnd.IntN(3)
		if _, err := orchestrator.Execute(ctx, s.o, s.function(rnd, 0, attempts), append(opts, orchestrator.Attempts(attempts))...); err != nil && ctx.Err() != nil {
			s.did[endedKind].Add(1)
		}
	case 4:
		tasks := make([]orchestrator.Task[int], rnd.IntN(6))
		for i := range tasks {
			tasks[i] = s.function(rnd, 0, 0)
		}
		s.tasks.Add(int64(len(tasks)))
		b, err := orchestrator.EnqueueBatch(ctx, s.o, "", tasks, opts...)
		if err == nil {
			s.consume(ctx, rnd, b)
		}
	case 5:
		if rnd.IntN(2) == 0 {
			_ = s.o.Shut("slow", time.Duration(rnd.IntN(200))*time.Millisecond, "the stress says so")
		}
		if state := s.o.Snapshot(); state.InFlight < 0 || state.Pending < 0 || state.InFlight+state.Stuck > s.cfg.Slots && !s.nested {
			s.t.Errorf("snapshot: %+v", state)
		}
	case 6:
		b, err := orchestrator.EnqueueBatch(ctx, s.o, fmt.Sprint(rnd.IntN(3)), []orchestrator.Task[int]{s.function(rnd, 0, 0), s.function(rnd, 0, 0)},
			append(opts, orchestrator.Keys(func(i int) string { return fmt.Sprint(i) }), orchestrator.Keep(time.Second), orchestrator.OnLive(orchestrator.Live(rnd.IntN(3))))...)
		if err == nil {
			s.consume(ctx, rnd, b)
		}
	case 7:
		_, _ = s.batcher.Load(ctx, rnd.IntN(10))
	case 8:
		seen := 0
		for range orchestrator.Stream(ctx, s.o, func(yield func(int) bool) {
			for i := range 10 {
				if !yield(i) {
					return
				}
			}
		}, s.mapped(0), opts...) {
			if seen++; seen == 7 {
				break
			}
		}
	}
}

// await waits for the future of an accepted task. Its outcome must come.
func (s *stress) await(ctx context.Context, f *orchestrator.Future[int]) {
	_, _ = f.Await(ctx)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	defer cancel()
	_, first := f.Await(late)
	_, second := f.Await(late)
	if late.Err() != nil || !alike(first, second) {
		s.t.Error("a future without an outcome, or with two")
	}
}

// alike reports whether two errors are of one type, without calling their methods.
func alike(a, b error) (ok bool) {
	defer func() { ok = ok || recover() != nil }()
	return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

func (s *stress) consume(ctx context.Context, rnd *rand.Rand, b *orchestrator.Batch[int]) {
	switch rnd.IntN(3) {
	case 0:
		for range b.Completed(ctx) {
			if rnd.IntN(3) == 0 {
				break
			}
		}
	case 1:
		for range b.Progress(ctx) {
		}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	defer cancel()
	out, err := b.Await(late)
	if err != nil || len(out) != b.Total() || b.Done() != b.Total() {
		s.t.Errorf("a batch of %d with %d outcomes: %v", b.Total(), len(out), err)
	}
}

// judge checks the state at the end.
func (s *stress) judge() {
	state := s.o.Snapshot()
	if state.Pending+state.InFlight+state.Stuck+state.Waiting != 0 || state.Weight != 0 || len(state.Batches) != 0 {
		s.t.Errorf("left behind: %+v", state)
	}
	for _, n := range state.Lanes {
		if n.Pending+n.InFlight+n.Reserved != 0 {
			s.t.Errorf("left behind: %+v", n)
		}
	}
	c := state.Counts
	s.did[lateKind].Add(c.Late)
	sum := c.Done + c.Failed + c.Cancelled + c.TimedOut + c.Panicked + c.Shed + c.RetriesSpent + c.HandedBack + c.Refused
	if tasks := s.tasks.Load(); !s.together && !s.nested && sum != tasks {
		s.t.Errorf("%d outcomes of %d tasks: %+v", sum, tasks, c)
	}
	if most := int(s.most.Load()); most > s.cfg.Slots {
		s.t.Errorf("%d functions at once on %d slots", most, s.cfg.Slots)
	}
	if started, ended := len(s.recorder.Started()), len(s.recorder.Ended()); started != ended {
		s.t.Errorf("%d spans began and %d ended", started, ended)
	}
}
