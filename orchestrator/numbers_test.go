package orchestrator_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// unlimited is an orchestrator whose tasks never wait for a token.
func unlimited(tb testing.TB, slots int) *orchestrator.Orchestrator {
	tb.Helper()
	l, err := limiter.NewUnlimited(one(1, 1))
	if err != nil {
		tb.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: slots, MaxPending: 1 << 30, WarnPending: -1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		if err := o.Close(ctx); err != nil {
			tb.Error(err)
		}
		if err := l.Close(ctx); err != nil {
			tb.Error(err)
		}
	})
	return o
}

func nothing(context.Context) (int, error) { return 0, nil }

const width = 64 // slots, and the limit of the errgroup

// queuedPath submits n tasks of nothing and awaits them all.
func queuedPath(ctx context.Context, tb testing.TB, o *orchestrator.Orchestrator, futures []*orchestrator.Future[int], n int) {
	tb.Helper()
	for n > 0 {
		some := futures[:min(n, len(futures))]
		n -= len(some)
		for i := range some {
			f, err := orchestrator.Submit(ctx, o, nothing)
			if err != nil {
				tb.Fatal(err)
			}
			some[i] = f
		}
		for i, f := range some {
			if _, err := f.Await(ctx); err != nil {
				tb.Fatal(err)
			}
			some[i] = nil
		}
	}
}

func errgroupPath(ctx context.Context, tb testing.TB, n int) {
	tb.Helper()
	for n > 0 {
		some := min(n, chunk)
		n -= some
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(width)
		for range some {
			g.Go(func() error { _, err := nothing(ctx); return err })
		}
		if err := g.Wait(); err != nil {
			tb.Fatal(err)
		}
	}
}

// chunk is how many tasks are submitted before they are awaited.
const chunk = 10_000

func BenchmarkQueued(b *testing.B) {
	b.Run("errgroup", func(b *testing.B) {
		b.ReportAllocs()
		errgroupPath(b.Context(), b, b.N)
	})
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": b.Context()} {
		b.Run(name, func(b *testing.B) {
			o, futures := unlimited(b, width), make([]*orchestrator.Future[int], chunk)
			b.ReportAllocs()
			b.ResetTimer()
			queuedPath(ctx, b, o, futures, b.N)
		})
	}
}

func BenchmarkExecuteIdle(b *testing.B) {
	b.Run("limiter alone", func(b *testing.B) {
		l, err := limiter.NewUnlimited(one(1, 1))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := l.TryReserve(b.Context(), "global", 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("execute", func(b *testing.B) {
		o := unlimited(b, width)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := orchestrator.Execute(b.Context(), o, nothing); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestQueuedPathBesideErrgroup holds what a task costs that does nothing against a goroutine of an errgroup of the same
// limit, which has no results, no order, no limiter and no contexts: the median of interleaved rounds.
func TestQueuedPathBesideErrgroup(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates and takes its time")
	}
	const rounds, n = 9, 50_000
	o, futures := unlimited(t, width), make([]*orchestrator.Future[int], chunk)
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": t.Context()} {
		var ratios, allocs, bytes []float64
		for round := range rounds + 1 {
			mine := cost(func() { queuedPath(ctx, t, o, futures, n) })
			theirs := cost(func() { errgroupPath(ctx, t, n) })
			if round == 0 {
				continue // to get warm
			}
			ratios = append(ratios, mine.took.Seconds()/theirs.took.Seconds())
			allocs, bytes = append(allocs, mine.allocs/n), append(bytes, mine.bytes/n)
			t.Logf("%s: %v a task, errgroup %v; %.2f and %.2f allocations", name, mine.took/n, theirs.took/n, mine.allocs/n, theirs.allocs/n)
		}
		ratio, alloc := median(ratios), median(allocs)
		t.Logf("%s: %.2f × errgroup, %.2f allocations of %.0f B for each task", name, ratio, alloc, median(bytes))
		if alloc > 2.05 {
			t.Errorf("%s: %.2f allocations for each task, want 2", name, alloc)
		}
		if ratio > 1.25 {
			t.Errorf("%s: %.2f × the time of an errgroup, want 1.25", name, ratio)
		}
	}
}

// TestExecuteAllocations holds what a task on an idle orchestrator allocates against what its limiter does.
func TestExecuteAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	l, err := limiter.NewUnlimited(one(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	o := unlimited(t, width)
	const runs = 1000
	reserve := testing.AllocsPerRun(runs, func() {
		if _, _, err := l.TryReserve(t.Context(), "global", 1); err != nil {
			t.Fatal(err)
		}
	})
	execute := testing.AllocsPerRun(runs, func() {
		if _, err := orchestrator.Execute(t.Context(), o, nothing); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%.0f allocations, %.0f of them the limiter's", execute, reserve)
	if execute > reserve+4 {
		t.Errorf("%.0f allocations, want at most 4 above the limiter's %.0f", execute, reserve)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// spent is what something took.
type spent struct {
	took          time.Duration
	allocs, bytes float64
}

func cost(of func()) spent {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	of()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	return spent{took, float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
