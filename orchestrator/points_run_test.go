package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestPoint15DrainingGoesInOrder: intake stops, what is queued is handed back, what executes is told and then abandoned,
// and the report says all of it.
func TestPoint15DrainingGoesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 3)}}})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 5})
		if err != nil {
			t.Fatal(err)
		}
		deaf := make(chan struct{})
		ends := submit(t, t.Context(), o, sleeper(time.Second, 1))
		hears := submit(t, t.Context(), o, sleeper(time.Hour, 2))
		hangs := submit(t, t.Context(), o, func(context.Context) (int, error) { <-deaf; return 3, nil }, orchestrator.Name("hang"))
		time.Sleep(time.Millisecond) // the burst is spent: the next token is due in 24 ms
		waits := submit(t, t.Context(), o, value(4))
		synctest.Wait()
		if s := o.Snapshot(); s.InFlight != 3 || s.Lanes[0].Reserved != 1 {
			t.Fatalf("%+v", s)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var second orchestrator.Report
		var again sync.WaitGroup
		again.Go(func() { // joins
			synctest.Wait()
			if _, err := orchestrator.Submit(ctx, o, value(5)); !errors.Is(err, orchestrator.ErrClosed) {
				t.Errorf("while it drains: %v", err)
			}
			if _, err := orchestrator.EnqueueBatch(ctx, o, "", []orchestrator.Task[int]{value(5)}); !errors.Is(err, orchestrator.ErrClosed) {
				t.Errorf("a batch while it drains: %v", err)
			}
			second, _ = o.Drain(ctx, orchestrator.Drain{Grace: time.Second})
		})
		report, err := o.Drain(ctx, orchestrator.Drain{HandBack: true, Grace: time.Second})
		again.Wait()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		want := orchestrator.Report{
			Ended: 1, HandedBack: 1, Cancelled: 1, Reservations: 1, Took: 3 * time.Second,
			Abandoned: []orchestrator.Abandoned{{Route: "global", Name: "hang", Ran: 3*time.Second + time.Millisecond}},
		}
		if diff := cmp.Diff(want, report, cmpopts.IgnoreFields(orchestrator.Abandoned{}, "Stack")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(report, second); diff != "" {
			t.Error("who joined got another report:", diff)
		}
		if len(report.Abandoned) == 1 && !strings.Contains(report.Abandoned[0].Stack, "TestPoint15DrainingGoesInOrder") {
			t.Errorf("the stack of what was abandoned:\n%s", report.Abandoned[0].Stack)
		}
		if want := "1 ended, 1 handed back, 0 refused, 1 cancelled, 1 abandoned, 1 reservations given back, in 3s; hang on global after 3.001s"; report.String() != want {
			t.Errorf("%q, want %q", report, want)
		}
		is := func(f *orchestrator.Future[int], want error) {
			t.Helper()
			if _, err := f.Await(t.Context()); !errors.Is(err, want) {
				t.Errorf("ended with %v, want %v", err, want)
			}
		}
		is(ends, nil)
		is(hears, orchestrator.ErrClosed)
		is(hangs, orchestrator.ErrAbandoned)
		is(waits, orchestrator.ErrHandedBack)
		close(deaf)
		synctest.Wait()
		if s := o.Snapshot(); s.Stuck != 0 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPoint15SubmittingWhileItDrains: an error or an outcome, never a panic and never nothing.
func TestPoint15SubmittingWhileItDrains(t *testing.T) {
	l, err := limiter.NewUnlimited(one(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2, MaxPending: 5})
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		var taken, ended atomic.Int64
		for range 4 {
			callers.Go(func() {
				for {
					f, err := orchestrator.Submit(t.Context(), o, value(1))
					if errors.Is(err, orchestrator.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					taken.Add(1)
					if _, err := f.Await(t.Context()); err != nil && !errors.Is(err, orchestrator.ErrHandedBack) {
						t.Error(err)
					}
					ended.Add(1)
				}
			})
		}
		runtime.Gosched()
		if _, err := o.Drain(t.Context(), orchestrator.Drain{HandBack: true}); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if taken.Load() != ended.Load() {
			t.Errorf("%d taken, %d ended", taken.Load(), ended.Load())
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPoint16StuckTasksShow: and hold their slots until they return.
func TestPoint16StuckTasksShow(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		deaf := make(chan struct{})
		_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { <-deaf; return 1, nil }, orchestrator.Timeout(time.Second))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		next := submit(t, t.Context(), o, value(2))
		time.Sleep(time.Second)
		if s := o.Snapshot(); s.Stuck != 1 || s.Pending != 1 {
			t.Errorf("%+v", s)
		}
		close(deaf)
		if _, err := next.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if s := o.Snapshot(); s.Stuck != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestPoint17QueuedTasksCostMemoryOnly: none a goroutine, and each at most 200 bytes, with a context that can end.
func TestPoint17QueuedTasksCostMemoryOnly(t *testing.T) {
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	tasks := slices.Repeat([]orchestrator.Task[int]{value(1)}, n)
	for name, queue := range map[string]func(context.Context, *orchestrator.Orchestrator) any{
		"submitted": func(ctx context.Context, o *orchestrator.Orchestrator) any {
			futures := make([]*orchestrator.Future[int], n)
			for i := range futures {
				futures[i] = submit(t, ctx, o, tasks[0])
			}
			return futures
		},
		"in a batch": func(ctx context.Context, o *orchestrator.Orchestrator) any {
			b, err := orchestrator.EnqueueBatch(ctx, o, "", tasks)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, MaxPending: n, WarnPending: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		goroutines, before := runtime.NumGoroutine(), heap()
		kept := queue(ctx, o)
		if o.Pending() < n-1 {
			t.Fatalf("%d pending", o.Pending())
		}
		each := float64(heap()-before) / n
		if name == "submitted" {
			each -= 8 // the list of futures that the test keeps
		}
		more := runtime.NumGoroutine() - goroutines
		t.Logf("%s: %.0f B and %.5f goroutines for each of %d queued tasks", name, each, float64(more)/n, n)
		if each > 200 || more > 5 {
			t.Errorf("%s: %.0f B each, %d goroutines more", name, each, more)
		}
		runtime.KeepAlive(kept)
		cancel()
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// heap is the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // not that many
}

// TestPoint18SharedRunsEndWithTheLast: who began a run may leave it to others; who comes after the last has left begins
// anew.
func TestPoint18SharedRunsEndWithTheLast(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var runs atomic.Int64
		var ended error
		task := func(ctx context.Context) (int64, error) {
			n := runs.Add(1)
			select {
			case <-time.After(time.Second):
				return n, nil
			case <-ctx.Done():
				ended = context.Cause(ctx)
				return 0, ended
			}
		}
		first, leave := context.WithCancelCause(t.Context())
		a := submit(t, first, o, task, orchestrator.Key("k"))
		b := submit(t, t.Context(), o, task, orchestrator.Key("k"))
		if _, err := orchestrator.Submit(t.Context(), o, value("x"), orchestrator.Key("k")); !errors.Is(err, orchestrator.ErrKeyType) {
			t.Errorf("another type: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		gone := errors.New("gone")
		leave(gone)
		if _, err := a.Await(t.Context()); !errors.Is(err, gone) {
			t.Errorf("who left got %v", err)
		}
		if v, err := b.Await(t.Context()); v != 1 || err != nil {
			t.Errorf("who stayed got %d, %v", v, err)
		}

		second, leave := context.WithCancelCause(t.Context())
		c := submit(t, second, o, task, orchestrator.Key("k"))
		d := submit(t, second, o, task, orchestrator.Key("k"))
		time.Sleep(100 * time.Millisecond)
		leave(gone)
		for _, f := range []*orchestrator.Future[int64]{c, d} {
			if _, err := f.Await(t.Context()); !errors.Is(err, gone) {
				t.Errorf("all left, one got %v", err)
			}
		}
		// The run is about to end; it is nobody's any more.
		if v, err := orchestrator.Execute(t.Context(), o, task, orchestrator.Key("k")); v != 3 || err != nil {
			t.Errorf("who came after got %d, %v", v, err)
		}
		if !errors.Is(ended, gone) {
			t.Errorf("the run that all had left saw %v", ended)
		}
	})
}

func TestPoint18ErrorsAreSharedOnceAndResultsAsLongAsAsked(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		wrong := errors.New("wrong")
		var runs atomic.Int64
		task := func(context.Context) (int64, error) {
			time.Sleep(time.Millisecond)
			if n := runs.Add(1); n > 1 {
				return n, nil
			}
			return 0, wrong
		}
		keep := []orchestrator.Option{orchestrator.Key("k"), orchestrator.Keep(time.Minute)}
		a, b := submit(t, t.Context(), o, task, keep...), submit(t, t.Context(), o, task, keep...)
		for _, f := range []*orchestrator.Future[int64]{a, b} {
			if _, err := f.Await(t.Context()); !errors.Is(err, wrong) {
				t.Errorf("%v", err)
			}
		}
		for i, want := range []int64{2, 2, 3} {
			if v, err := orchestrator.Execute(t.Context(), o, task, keep...); v != want || err != nil {
				t.Errorf("call %d: %d, %v, want %d", i, v, err, want)
			}
			time.Sleep(time.Duration(i) * 40 * time.Second) // 0, 40, 80
			if i == 1 {
				time.Sleep(21 * time.Second)
			}
		}
		if s := o.Snapshot(); s.Joined != 2 || s.Done+s.Failed != 5 {
			t.Errorf("%+v", s)
		}
	})
}

// TestPoint18PanicsOfSharedRunsReachEverybody.
func TestPoint18PanicsOfSharedRunsReachEverybody(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for _, end := range []func(){boom, runtime.Goexit} {
			task := func(context.Context) (int, error) { time.Sleep(time.Millisecond); end(); return 0, nil }
			var futures []*orchestrator.Future[int]
			for range 5 {
				futures = append(futures, submit(t, t.Context(), o, task, orchestrator.Key("k")))
			}
			for _, f := range futures {
				if _, err := f.Await(t.Context()); err == nil {
					t.Error("no error")
				}
			}
		}
	})
}

// TestPoint19ALateEndFreesNoOtherRun: the run that everybody has left ends after its successor has begun, and does not
// take the key from that.
func TestPoint19ALateEndFreesNoOtherRun(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var runs atomic.Int64
		slow := func(context.Context) (int64, error) { n := runs.Add(1); time.Sleep(time.Second); return n, nil } // deaf to its context
		ctx, cancel := context.WithCancel(t.Context())
		submit(t, ctx, o, slow, orchestrator.Key("k"))
		time.Sleep(500 * time.Millisecond)
		cancel()
		synctest.Wait()
		second := submit(t, t.Context(), o, slow, orchestrator.Key("k"))
		time.Sleep(700 * time.Millisecond) // the first has ended by now
		third := submit(t, t.Context(), o, slow, orchestrator.Key("k"))
		for _, f := range []*orchestrator.Future[int64]{second, third} {
			if v, err := f.Await(t.Context()); v != 2 || err != nil {
				t.Errorf("%d, %v, want the second run's", v, err)
			}
		}
	})
}

// batcher is one over a function that notes what it was asked for.
func batcher(t *testing.T, o *orchestrator.Orchestrator, cfg orchestrator.BatcherConfig) (b *orchestrator.Batcher[int, int], calls func() [][]int) {
	t.Helper()
	var mu sync.Mutex
	var asked [][]int
	b, err := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		mu.Lock()
		asked = append(asked, slices.Sorted(slices.Values(keys)))
		mu.Unlock()
		found, failed := map[int]int{}, orchestrator.KeyErrors[int]{}
		for _, k := range keys {
			switch {
			case k == 13:
				failed[k] = errors.New("unlucky")
			case k >= 0:
				found[k] = k * k
			}
		}
		if len(failed) > 0 {
			return found, failed
		}
		return found, nil
	}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b, func() [][]int { mu.Lock(); defer mu.Unlock(); return slices.Clone(asked) }
}

// load asks for keys at the same time and checks the answers.
func load(t *testing.T, b *orchestrator.Batcher[int, int], keys ...int) {
	t.Helper()
	var callers sync.WaitGroup
	for _, k := range keys {
		callers.Go(func() {
			v, err := b.Load(t.Context(), k)
			switch {
			case k == 13:
				if err == nil || err.Error() != "unlucky" {
					t.Errorf("key 13: %v", err)
				}
			case k < 0:
				if !errors.Is(err, orchestrator.ErrNoResult) {
					t.Errorf("key %d: %v", k, err)
				}
			case v != k*k || err != nil:
				t.Errorf("key %d: %d, %v", k, v, err)
			}
		})
	}
	callers.Wait()
}

func TestPoint20KeysGoTogether(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, calls := batcher(t, o, orchestrator.BatcherConfig{Size: 3, Delay: 5 * time.Millisecond})
		begin := time.Now()
		load(t, b, 1, 2, 1, 2) // two keys: with the delay
		if took := time.Since(begin); took != 5*time.Millisecond {
			t.Errorf("took %v", took)
		}
		begin = time.Now()
		load(t, b, 1, 13, -1) // three: at once, and each with its own answer
		if took := time.Since(begin); took != 0 {
			t.Errorf("a full call took %v", took)
		}
		if diff := cmp.Diff([][]int{{1, 2}, {-1, 1, 13}}, calls()); diff != "" {
			t.Error(diff)
		}
		load(t, b, 21, 22, 23, 24, 25) // more than a call takes
		var sizes []int
		for _, keys := range calls()[2:] {
			sizes = append(sizes, len(keys))
		}
		if diff := cmp.Diff([]int{3, 2}, sizes); diff != "" {
			t.Error(diff)
		}
		if s := o.Snapshot(); s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestPoint20KeysGatherWhileTheyWait: for their token, so that under a limit calls get fuller.
func TestPoint20KeysGatherWhileTheyWait(t *testing.T) {
	for size, want := range map[int][][]int{50: {{0}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, 4: {{0}, {1, 2, 3, 4}, {5, 6, 7, 8}, {9}}} {
		with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
			b, calls := batcher(t, o, orchestrator.BatcherConfig{Size: size, Delay: -1, Options: []orchestrator.Option{orchestrator.Route("slow")}})
			var callers sync.WaitGroup
			for i := range 10 {
				callers.Go(func() { load(t, b, i) })
				time.Sleep(10 * time.Millisecond)
			}
			callers.Wait()
			if diff := cmp.Diff(want, calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPoint20IdleSlotsAndDrainsFlush(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, calls := batcher(t, o, orchestrator.BatcherConfig{Delay: time.Hour, Idle: true})
		begin := time.Now()
		load(t, b, 1)
		if took := time.Since(begin); took != 0 {
			t.Errorf("with an idle slot it took %v", took)
		}
		busy := submit(t, t.Context(), o, sleeper(time.Second, 1))
		synctest.Wait()
		var callers sync.WaitGroup
		callers.Go(func() { load(t, b, 2, 3) })
		time.Sleep(10 * time.Millisecond)
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if _, err := busy.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([][]int{{1}, {2, 3}}, calls()); diff != "" {
			t.Error(diff)
		}
		if _, err := b.Load(t.Context(), 4); !errors.Is(err, orchestrator.ErrClosed) {
			// Its delay is an hour: nobody flushes it any more.
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestPoint20EachWaiterHasItsOwnContext(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var seen error
		b, err := orchestrator.NewBatcher(o, func(ctx context.Context, keys []int) (map[int]int, error) {
			select {
			case <-time.After(time.Second):
				return map[int]int{keys[0]: 1}, nil
			case <-ctx.Done():
				seen = context.Cause(ctx)
				return nil, seen
			}
		}, orchestrator.BatcherConfig{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := b.Load(short, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who gave up: %v", err)
			}
		})
		synctest.Wait()
		if v, err := b.Load(t.Context(), 1); v != 1 || err != nil { // the first caller's end is not theirs
			t.Errorf("who waited: %d, %v", v, err)
		}
		callers.Wait()
		short, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := b.Load(short, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the only one: %v", err)
		}
		synctest.Wait()
		if !errors.Is(seen, context.DeadlineExceeded) {
			t.Errorf("the call that all had left saw %v", seen)
		}
	})
}

// TestPoint21AnOutageIsNotAmplified: where everything fails retries are a tenth of the first attempts, or one a second.
func TestPoint21AnOutageIsNotAmplified(t *testing.T) {
	for name, c := range map[string]struct{ every, most time.Duration }{
		"a tenth":      {10 * time.Millisecond, 0}, // 100 a second
		"one a second": {time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			with(t, orchestrator.Config{Slots: 50, Retry: orchestrator.Retry{First: time.Millisecond, Most: time.Millisecond}}, func(t *testing.T, o *orchestrator.Orchestrator) {
				down := errors.New("down")
				var attempts, firsts int64
				var spent atomic.Int64
				var callers sync.WaitGroup
				var ran atomic.Int64
				for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(c.every) {
					firsts++
					callers.Go(func() {
						_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) {
							ran.Add(1)
							return 0, orchestrator.Again(down, 0)
						})
						if !errors.Is(err, down) {
							t.Error(err)
						}
						if errors.Is(err, orchestrator.ErrRetryBudget) {
							spent.Add(1)
						}
					})
				}
				callers.Wait()
				attempts = ran.Load()
				most := max(firsts/10, 60) + 11
				t.Logf("%d attempts of %d tasks, %d ended for want of a budget", attempts, firsts, spent.Load())
				if retries := attempts - firsts; retries > most || retries < most*8/10 {
					t.Errorf("%d retries of %d tasks, want about %d", retries, firsts, most)
				}
				if s := o.Snapshot(); s.Retried != attempts-firsts || s.OverBudget != spent.Load() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestPoint22RetriesWaitWithoutASlot: each for a random time that grows, takes a token, and never longer than allowed.
func TestPoint22RetriesWaitWithoutASlot(t *testing.T) {
	cfg := orchestrator.Config{Slots: 1, Retry: orchestrator.Retry{Attempts: 100, First: 100 * time.Millisecond, Most: time.Second}}
	with(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		var starts []time.Time
		var contexts []context.Context
		f := submit(t, t.Context(), o, func(ctx context.Context) (int, error) {
			for _, before := range contexts {
				if before.Err() == nil {
					t.Error("the context of an attempt that is over lives")
				}
			}
			if ctx.Err() != nil {
				t.Error("an attempt whose context has ended")
			}
			starts, contexts = append(starts, time.Now()), append(contexts, ctx)
			if r, ok := limiter.FromContext(ctx); !ok || !r.Use("global") {
				t.Error("an attempt without a reservation of its own")
			}
			if len(starts) < 100 {
				return 0, orchestrator.Again(errors.New("busy"), time.Millisecond)
			}
			return 7, nil
		})
		time.Sleep(10 * time.Millisecond)
		for range 20 { // the one slot is free meanwhile
			begin := time.Now()
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil || time.Since(begin) > time.Millisecond {
				t.Errorf("beside a retry: %v after %v", err, time.Since(begin))
			}
			time.Sleep(17 * time.Millisecond)
		}
		if v, err := f.Await(t.Context()); v != 7 || err != nil {
			t.Fatalf("%d, %v", v, err)
		}
		sum := time.Duration(0)
		for i := 1; i < len(starts); i++ {
			wait := starts[i].Sub(starts[i-1])
			bound := time.Second
			if i < 4 {
				bound = 100 * time.Millisecond << (i - 1)
			}
			if wait < time.Millisecond || wait > bound+10*time.Millisecond {
				t.Errorf("attempt %d came %v after the one before", i+1, wait)
			}
			sum += wait
		}
		if mean := sum / 99; mean < 350*time.Millisecond || mean > 650*time.Millisecond {
			t.Errorf("the mean wait was %v, want about half the bound", mean)
		}
	})
}

func TestPoint22WhatIsNotTriedAgain(t *testing.T) {
	with(t, orchestrator.Config{Retry: orchestrator.Retry{First: time.Second}}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var ran int
		end := func(err error) orchestrator.Task[int] {
			return func(context.Context) (int, error) { ran++; return 0, err }
		}
		wrong := errors.New("wrong")
		soon := time.Now().Add(time.Hour)
		most, cancel := context.WithDeadline(t.Context(), soon)
		defer cancel()
		for name, c := range map[string]struct {
			ctx  context.Context //nolint:containedctx // of a test
			task orchestrator.Task[int]
			opts []orchestrator.Option
			ran  int
		}{
			"no verdict":         {t.Context(), end(wrong), nil, 1},
			"asked for too long": {t.Context(), end(orchestrator.Again(wrong, time.Hour)), nil, 1},
			"deadline before": {most, func(context.Context) (int, error) {
				ran++
				time.Sleep(time.Until(soon) - time.Second)
				return 0, orchestrator.Again(wrong, time.Second)
			}, nil, 1},
			"once":                {t.Context(), end(orchestrator.Again(wrong, 1)), []orchestrator.Option{orchestrator.Attempts(1)}, 1},
			"twice":               {t.Context(), end(orchestrator.Again(wrong, 1)), []orchestrator.Option{orchestrator.Attempts(2)}, 2},
			"four times":          {t.Context(), end(orchestrator.Again(wrong, 1)), nil, 4},
			"panic with verdict":  {t.Context(), func(context.Context) (int, error) { ran++; panic(orchestrator.Again(wrong, 1)) }, nil, 1},
			"nothing to complain": {t.Context(), end(orchestrator.Again(nil, 1)), nil, 1},
		} {
			ran = 0
			_, err := orchestrator.Execute(c.ctx, o, c.task, c.opts...)
			if ran != c.ran || name != "nothing to complain" && !errors.Is(err, wrong) {
				t.Errorf("%s: ran %d times, want %d: %v", name, ran, c.ran, err)
			}
		}
	})
}

func TestPoint23ClassesAge(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1, Ageing: time.Second}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var mu sync.Mutex
		var order []string
		task := func(name string) orchestrator.Task[int] {
			return func(context.Context) (int, error) {
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(100 * time.Millisecond)
				return 0, nil
			}
		}
		var all []*orchestrator.Future[int]
		add := func(name string, c orchestrator.Class) {
			all = append(all, submit(t, t.Context(), o, task(name), orchestrator.Priority(c)))
			synctest.Wait()
		}
		add("first", orchestrator.Normal)
		add("background", orchestrator.Background)
		add("normal", orchestrator.Normal)
		add("urgent", orchestrator.Urgent)
		time.Sleep(50 * time.Millisecond)
		add("urgent again", orchestrator.Urgent)
		// From now on there is always an urgent task: the others come when they are old enough, and not before.
		for i := range 30 {
			time.Sleep(100 * time.Millisecond)
			add("later", orchestrator.Urgent)
			mu.Lock()
			if got := slices.Contains(order, "normal"); got != (i > 10) {
				t.Errorf("after %d: normal %t", i, got)
			}
			if got := slices.Contains(order, "background"); got != (i > 21) {
				t.Errorf("after %d: background %t", i, got)
			}
			mu.Unlock()
		}
		for _, f := range all {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"first", "urgent", "urgent again"}, order[:3]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPoint24ATimeoutIsOfTheRunAlone(t *testing.T) {
	var log bytes.Buffer
	cfg := orchestrator.Config{Slots: 1, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	with(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		blocker := submit(t, t.Context(), o, sleeper(2*time.Second, 1))
		// It waits longer than its timeout, and that does not count.
		waits := submit(t, t.Context(), o, func(ctx context.Context) (time.Time, error) {
			deadline, _ := ctx.Deadline()
			time.Sleep(900 * time.Millisecond)
			return deadline, ctx.Err()
		}, orchestrator.Timeout(time.Second))
		began := time.Now()
		if deadline, err := waits.Await(t.Context()); err != nil || deadline.Sub(began) != 3*time.Second {
			t.Errorf("deadline %v after it was queued, %v", deadline.Sub(began), err)
		}
		if _, err := blocker.Await(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		begin := time.Now()
		returned := make(chan error, 1)
		_, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes its time to notice
			returned <- context.Cause(ctx)
			return 1, nil
		}, orchestrator.Timeout(time.Second), orchestrator.Name("search"))
		e, ok := errors.AsType[*orchestrator.TimeoutError](err)
		if !ok || e.Name != "search" || e.After != time.Second || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it ended after %v", took)
		}
		if cause := <-returned; !errors.Is(cause, e) {
			t.Errorf("the function saw %v", cause)
		}
		synctest.Wait()
		if s := o.Snapshot(); s.Done != 2 || s.Failed != 1 || s.Stuck != 0 {
			t.Errorf("%+v", s)
		}
	})
	if n := strings.Count(log.String(), "task ended"); n != 3 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
