//nolint:errcheck,contextcheck,sloglint,gosec // many small cases
package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

var bg = context.Background()

func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(bg, d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func unlimitedOf(t *testing.T) *limiter.Limiter {
	lc := one(1, 1)
	lc.Routes = map[string][]string{"a": {"global"}, "b": {"global"}}
	for i := range 100 {
		lc.Routes[fmt.Sprint("r", i)] = []string{"global"}
	}
	l, err := limiter.NewUnlimited(lc)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// rv runs a test with an orchestrator over an unlimited limiter, in a bubble.
func rv(t *testing.T, cfg orchestrator.Config, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := unlimitedOf(t)
		cfg.Limiter = l
		o, err := orchestrator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, o)
		if err := o.Close(within(time.Hour)); err != nil && !errors.Is(err, context.DeadlineExceeded) { // of a test that gave up
			t.Error("close:", err)
		}
		_ = l.Close(bg)
	})
}

func TestFoundLentDeadlock(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		parent := submit(t, bg, o, func(ctx context.Context) (int, error) {
			fa := submit(t, bg, o, sleeper(time.Second, 1))    // 0 s to 1 s
			submit(t, bg, o, sleeper(10*time.Second, 1))       // 1 s to 11 s
			fb := submit(t, bg, o, sleeper(10*time.Second, 1)) // behind that
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = fa.Await(ctx) }) // has it at 1 s, and its turn for the slot at 11 s
			wg.Go(func() { time.Sleep(5 * time.Second); _, _ = fb.Await(ctx) })
			wg.Wait()
			return 0, nil
		})
		if _, err := parent.Await(within(time.Hour)); err != nil {
			t.Errorf("a task that awaits others: %v; %+v", err, o.Snapshot().Lanes)
		}
	})
}

func TestFoundLentLeak(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 2}, func(t *testing.T, o *orchestrator.Orchestrator) {
		parent := submit(t, bg, o, func(ctx context.Context) (int, error) {
			fa := submit(t, bg, o, sleeper(time.Second, 1))
			submit(t, bg, o, sleeper(10*time.Second, 1))
			submit(t, bg, o, sleeper(10*time.Second, 1))
			long := submit(t, bg, o, sleeper(12*time.Second, 1))
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = fa.Await(ctx) })
			wg.Go(func() { time.Sleep(5 * time.Second); _, _ = long.Await(ctx) })
			wg.Wait()
			return 0, nil
		})
		_, _ = parent.Await(bg)
		time.Sleep(time.Minute)
		for _, l := range o.Snapshot().Lanes {
			if l.InFlight != 0 {
				t.Errorf("nothing executes: %+v", l)
			}
		}
	})
}

func TestFoundDrainHangsInFlush(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, bg, o, sleeper(10*time.Minute, 1)) // ends with its context; make it <-ctx.Done() alone and Drain never returns
		synctest.Wait()
		submit(t, bg, o, value(1))
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: time.Hour})
		go func() { _, _ = b.Load(bg, 1) }()
		synctest.Wait()
		begin := time.Now()
		_, err := o.Drain(within(time.Second), orchestrator.Drain{Grace: time.Second})
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("a drain of 1 s and 1 s of grace took %v (%v)", took, err)
		}
	})
}

func TestFoundShedLosesWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{
			"free": {limiter.PerSecond(1000, 1000)}, "slow": {limiter.PerSecond(1, 1)},
		}, Horizon: time.Hour, Routes: map[string][]string{"slow": {"slow"}, "free": {"free"}}})
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1, MaxPending: 2, Full: orchestrator.Shed})
		_, _ = orchestrator.Execute(bg, o, value(1), orchestrator.Route("slow"))
		// The one slot is held for the token that is due in 1 s.
		submit(t, bg, o, value(1), orchestrator.Route("slow"), orchestrator.Priority(orchestrator.Background))
		synctest.Wait()
		waits := submit(t, bg, o, value(1), orchestrator.Route("free"))
		synctest.Wait()
		_, err := orchestrator.EnqueueBatch(bg, o, "", []orchestrator.Task[int]{value(1), value(1)}, orchestrator.Route("free"))
		t.Log("refused, and one was shed:", err)
		if _, err := waits.Await(within(time.Hour)); err != nil {
			t.Errorf("a task with a free slot and a token does not start: %v; %+v", err, o.Snapshot())
		}
		_ = o.Close(within(time.Second))
		_ = l.Close(bg)
	})
}

func TestFoundShedForNothing(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxCost: 10, Full: orchestrator.Shed}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, bg, o, sleeper(time.Minute, 1))
		synctest.Wait()
		idle := submit(t, bg, o, value(1), orchestrator.Cost(1), orchestrator.Priority(orchestrator.Background))
		submit(t, bg, o, value(1), orchestrator.Cost(9))
		if _, err := orchestrator.Submit(bg, o, value(1), orchestrator.Cost(5)); err == nil {
			t.Error("taken in")
		}
		if _, err := idle.Await(bg); err != nil {
			t.Errorf("shed for one that was refused: %v", err)
		}
	})
}

func TestFoundSharedAfterGiveUp(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var inner *orchestrator.Future[int]
		got := make(chan error, 1)
		submit(t, bg, o, func(ctx context.Context) (int, error) {
			submit(t, bg, o, func(ctx context.Context) (int, error) { // takes the slot when the first lends it
				<-ctx.Done()
				time.Sleep(time.Second)
				return 0, nil
			})
			f, err := orchestrator.Submit(context.WithoutCancel(ctx), o, value(1), orchestrator.Key("k"))
			inner = f
			got <- err
			return 0, nil
		})
		synctest.Wait()
		_, _ = o.Drain(within(time.Second), orchestrator.Drain{})
		if <-got != nil {
			return // refused: well
		}
		if _, err := inner.Await(within(time.Hour)); !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("a task that was taken in never ends: %v; pending %d", err, o.Pending())
		}
	})
}

func TestFoundBatchAppendedToRefused(t *testing.T) {
	rv(t, orchestrator.Config{MaxCost: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		go func() {
			_, _ = orchestrator.EnqueueBatch(bg, o, "x", []orchestrator.Task[int]{value(1)},
				orchestrator.Cost(11), orchestrator.Keys(func(int) string { <-gate; return "" }))
		}()
		synctest.Wait()
		b, err := orchestrator.EnqueueBatch(bg, o, "x", []orchestrator.Task[int]{value(2)}, orchestrator.OnLive(orchestrator.LiveAppends))
		if err != nil {
			t.Fatal(err)
		}
		close(gate)
		synctest.Wait()
		if _, err := b.Await(within(time.Minute)); err != nil {
			t.Errorf("a batch whose only task has ended does not finish: %v; %d/%d", err, b.Done(), b.Total())
		}
		if _, err := orchestrator.AwaitBatch[int](within(time.Minute), o, "x"); err != nil {
			t.Errorf("await by id: %v", err)
		}
	})
}

func TestFoundRaceOutcome(t *testing.T) { // -race
	l := unlimitedOf(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
	for range 20 {
		b, _ := orchestrator.EnqueueBatch(bg, o, "", []orchestrator.Task[int]{func(context.Context) (int, error) {
			time.Sleep(3 * time.Millisecond)
			return 7, nil
		}}, orchestrator.Timeout(time.Millisecond))
		for range 30 {
			_, _ = b.Await(bg)
			time.Sleep(200 * time.Microsecond)
		}
	}
	_ = o.Close(bg)
	_ = l.Close(bg)
}

func TestFoundAbandonRaceStart(t *testing.T) { // -race
	l := unlimitedOf(t)
	for range 3000 {
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 8})
		for range 40 {
			_, _ = orchestrator.Submit(bg, o, value(1))
		}
		_, _ = o.Drain(within(0), orchestrator.Drain{Grace: -1})
	}
	time.Sleep(10 * time.Millisecond)
	_ = l.Close(bg)
}

func TestFoundSweptLane(t *testing.T) {
	cfg := orchestrator.Config{Slots: 1, Retry: orchestrator.Retry{MostAfter: time.Hour}}
	rv(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		first := true
		f := submit(t, bg, o, func(context.Context) (int, error) {
			if first {
				first = false
				return 0, orchestrator.Again(errors.New("later"), 5*time.Minute)
			}
			return 1, nil
		}, orchestrator.Route("a"))
		time.Sleep(2 * time.Minute)
		for i := range 100 {
			_, _ = orchestrator.Execute(bg, o, value(1), orchestrator.Route(fmt.Sprint("r", i)))
		}
		submit(t, bg, o, sleeper(20*time.Minute, 1), orchestrator.Route("b"))
		time.Sleep(5 * time.Minute) // it is queued again, behind the one that executes
		s, inLanes := o.Snapshot(), 0
		for _, l := range s.Lanes {
			inLanes += l.Pending
		}
		if inLanes != s.Pending {
			t.Errorf("%d pending, %d of them in lanes", s.Pending, inLanes)
		}
		r, err := o.Drain(within(time.Second), orchestrator.Drain{HandBack: true})
		t.Log(r, err)
		if _, err := f.Await(within(time.Hour)); !errors.Is(err, orchestrator.ErrHandedBack) {
			t.Errorf("a queued task of a swept lane after a drain that hands back: %v", err)
		}
	})
}

func TestFoundSecondDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := unlimitedOf(t)
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
		submit(t, bg, o, func(context.Context) (int, error) { time.Sleep(time.Hour); return 0, nil })
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- o.Close(bg) }()
		_, _ = o.Drain(within(time.Second), orchestrator.Drain{Grace: time.Second})
		time.Sleep(time.Minute)
		select {
		case <-closed:
		default:
			t.Error("a drain that joined one which has abandoned everything still waits; an hour later it says", <-closed)
		}
		time.Sleep(time.Hour) // until the function returns
		_ = l.Close(bg)
	})
}

func TestFoundLoadDeaf(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxCost: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, bg, o, sleeper(10*time.Minute, 1))
		synctest.Wait()
		submit(t, bg, o, value(1), orchestrator.Cost(10))
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: -1, Options: []orchestrator.Option{orchestrator.Cost(5)}})
		begin := time.Now()
		_, err := b.Load(within(time.Second), 1)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Load with 1 s took %v (%v)", took, err)
		}
	})
}

func TestFoundLoadWhileDraining(t *testing.T) {
	l := unlimitedOf(t)
	lost := 0
	for i := 0; i < 5000 && lost == 0; i++ {
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return map[int]int{1: 1}, nil },
			orchestrator.BatcherConfig{Delay: time.Hour})
		res := make(chan error, 1)
		go func() { _, err := b.Load(within(300*time.Millisecond), 1); res <- err }()
		for range i % 7 {
			runtime.Gosched()
		}
		_ = o.Close(bg)
		if errors.Is(<-res, context.DeadlineExceeded) {
			lost++
		}
	}
	_ = l.Close(bg)
	if lost > 0 {
		t.Error("a key that was asked for as the orchestrator was drained waits for all of Delay")
	}
}

func TestFoundNoKeys(t *testing.T) {
	l := unlimitedOf(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 4})
	var empty atomic.Int64
	b, _ := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		if len(keys) == 0 {
			empty.Add(1)
		}
		return nil, nil
	}, orchestrator.BatcherConfig{Delay: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 3000 {
				_, _ = b.Load(within(time.Duration(i%40)*time.Microsecond), i)
			}
		})
	}
	wg.Wait()
	_ = o.Close(bg)
	_ = l.Close(bg)
	if n := empty.Load(); n > 0 {
		t.Errorf("%d calls of no keys", n)
	}
}

func TestFoundBatcherLendsOfOthers(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: time.Second})
		var n, most atomic.Int64
		busy := func(d time.Duration) {
			most.Store(max(most.Load(), n.Add(1)))
			time.Sleep(d)
			n.Add(-1)
		}
		submit(t, bg, o, func(ctx context.Context) (int, error) {
			c, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, _ = b.Load(c, 1)
			busy(time.Minute)
			return 0, nil
		})
		synctest.Wait()
		go func() { _, _ = b.Load(bg, 1) }()
		time.Sleep(500 * time.Millisecond)
		submit(t, bg, o, func(context.Context) (int, error) { busy(time.Second); return 0, nil })
		time.Sleep(10 * time.Minute)
		if most.Load() > 1 {
			t.Errorf("%d tasks executed at once on one slot", most.Load())
		}
	})
}

func TestFoundDoorHeadLeaves(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1, MaxCost: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, bg, o, sleeper(10*time.Minute, 1))
		synctest.Wait()
		submit(t, bg, o, value(1), orchestrator.Cost(6))
		ctx, cancel := context.WithCancel(bg)
		go func() { _, _ = orchestrator.Submit(ctx, o, value(1), orchestrator.Cost(10)) }()
		synctest.Wait()
		go func() { _, _ = orchestrator.Submit(bg, o, value(1), orchestrator.Cost(1)) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if s := o.Snapshot(); s.Waiting != 0 {
			t.Errorf("a task of cost 1 waits at an open door: %d of 10 taken", s.Cost)
		}
	})
}

type counting struct {
	orchestrator.Limiter
	zero atomic.Int64
}

func (c *counting) ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, time.Time, error) {
	for _, r := range runs {
		if r.N < 1 {
			c.zero.Add(1)
		}
	}
	return c.Limiter.ReserveBatch(ctx, route, runs...)
}

func TestFoundAsksForNothing(t *testing.T) {
	l := unlimitedOf(t)
	c := &counting{Limiter: l}
	o, _ := orchestrator.New(orchestrator.Config{Limiter: c, Slots: 4, RouteSlots: map[string]int{"a": 1}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				_, _ = orchestrator.Execute(bg, o, func(ctx context.Context) (int, error) {
					return orchestrator.Execute(ctx, o, value(1), orchestrator.Route("b"))
				}, orchestrator.Route("a"))
			}
		})
	}
	wg.Wait()
	_ = o.Close(bg)
	_ = l.Close(bg)
	if n := c.zero.Load(); n > 0 {
		t.Errorf("asked %d times for 0 reservations", n)
	}
}

func TestFoundReportNegative(t *testing.T) {
	rv(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, _ []int) (map[int]int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, orchestrator.BatcherConfig{Delay: -1})
		go func() { _, _ = b.Load(bg, 1) }()
		synctest.Wait()
		if r, _ := o.Drain(within(time.Second), orchestrator.Drain{}); r.Ended != 0 {
			t.Error(r)
		}
	})
}

func TestFoundReportShared(t *testing.T) {
	rv(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 3 {
			submit(t, bg, o, sleeper(time.Hour, 1), orchestrator.Key("k"))
		}
		synctest.Wait()
		if r, _ := o.Drain(within(time.Second), orchestrator.Drain{}); r.Ended != 0 {
			t.Error("nothing ended by itself:", r)
		}
	})
}

func TestFoundProgressTwice(t *testing.T) {
	l := unlimitedOf(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
	var twice atomic.Int64
	for range 5000 {
		last := 0 // one call at a time
		_, _ = orchestrator.EnqueueBatch(bg, o, "", []orchestrator.Task[int]{value(1)}, orchestrator.OnProgress(func(p orchestrator.Progress) {
			if p.Done == p.Total {
				if last++; last > 1 {
					twice.Add(1)
				}
			}
		}))
	}
	_ = o.Close(bg) // waits for them
	_ = l.Close(bg)
	if n := twice.Load(); n > 0 {
		t.Errorf("%d of 5000 batches told twice of their last task", n)
	}
}

func TestFoundNegativeWait(t *testing.T) {
	l := unlimitedOf(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 16})
	var wg sync.WaitGroup
	var negative atomic.Int64
	for range 16 {
		wg.Go(func() {
			for range 500 {
				b, _ := orchestrator.EnqueueBatch(bg, o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 3))
				out, _ := b.Await(bg)
				for _, x := range out {
					if x.Waited < 0 {
						negative.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	_ = o.Close(bg)
	_ = l.Close(bg)
	if n := negative.Load(); n > 0 {
		t.Errorf("%d of 24000 waited less than no time", n)
	}
}

func TestFoundGoexitInHooks(t *testing.T) {
	for name, cfg := range map[string]orchestrator.Config{
		"OnPanic":  {Slots: 1, OnPanic: func(*orchestrator.PanicError) { runtime.Goexit() }},
		"Classify": {Slots: 1, Retry: orchestrator.Retry{Classify: func(error) orchestrator.Verdict { runtime.Goexit(); return orchestrator.Verdict{} }}},
	} {
		t.Run(name, func(t *testing.T) {
			rv(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
				f := submit(t, bg, o, func(context.Context) (int, error) {
					if name == "OnPanic" {
						panic("x")
					}
					return 0, errors.New("x")
				})
				if _, err := f.Await(within(time.Hour)); errors.Is(err, context.DeadlineExceeded) {
					t.Error("the task never ends, and keeps its slot")
				}
			})
		})
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestFoundTypedNilError(t *testing.T) { // ends the process
	cfg := orchestrator.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	rv(t, cfg, func(_ *testing.T, o *orchestrator.Orchestrator) {
		_, _ = orchestrator.Execute(bg, o, func(context.Context) (int, error) { var e *nilError; return 0, e })
	})
}

func TestFoundRetryMost(t *testing.T) {
	rv(t, orchestrator.Config{Retry: orchestrator.Retry{Most: time.Millisecond}}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var worst time.Duration
		for range 20 {
			var last time.Time
			_, _ = orchestrator.Execute(bg, o, func(context.Context) (int, error) {
				if !last.IsZero() {
					worst = max(worst, time.Since(last))
				}
				last = time.Now()
				return 0, orchestrator.Again(errors.New("x"), 0)
			}, orchestrator.Attempts(2))
			time.Sleep(2 * time.Second)
		}
		if worst > 2*time.Millisecond {
			t.Errorf("waited %v before an attempt; Most is 1ms", worst)
		}
	})
}

func TestFoundKeyAwaitsItself(t *testing.T) {
	rv(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var f *orchestrator.Future[int]
		ready := make(chan struct{})
		f = submit(t, within(time.Minute), o, func(ctx context.Context) (int, error) { <-ready; return f.Await(ctx) }, orchestrator.Key("k"))
		close(ready)
		if _, err := f.Await(bg); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Error(err)
		}
	})
}

func TestFoundTwoOrchestrators(t *testing.T) {
	rv(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o1 *orchestrator.Orchestrator) {
		l := unlimitedOf(t)
		o2, _ := orchestrator.New(orchestrator.Config{Limiter: l})
		_, err := orchestrator.Execute(within(time.Minute), o1, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o2, func(ctx context.Context) (int, error) {
				return orchestrator.Execute(ctx, o1, value(1))
			})
		})
		if err != nil {
			t.Error("deadlock over two orchestrators:", err)
		}
		_, _ = o2.Close(bg), l.Close(bg)
	})
}

func TestFoundKeyedOutcome(t *testing.T) {
	rv(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.EnqueueBatch(bg, o, "", []orchestrator.Task[int]{sleeper(time.Second, 1)}, orchestrator.Key("k"))
		out, _ := b.Await(bg)
		if out[0].Waited != time.Second {
			t.Errorf("%+v", out[0])
		}
		if f, err := orchestrator.Submit(bg, o, value(1), orchestrator.Cost(1<<40), orchestrator.Key("z")); err != nil && f != nil {
			t.Errorf("a future and an error: %v", err)
		}
	})
}

func TestFoundRememberedIds(t *testing.T) {
	rv(t, orchestrator.Config{MaxBatches: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for _, id := range []string{"x", "0", "1", "2", "3", "4", "5", "6", "7", "x", "8", "9"} {
			b, _ := orchestrator.EnqueueBatch(bg, o, id, []orchestrator.Task[int]{value(1)})
			_, _ = b.Await(bg)
			time.Sleep(time.Minute)
		}
		if _, err := orchestrator.AwaitBatch[int](bg, o, "x"); !errors.Is(err, orchestrator.ErrBatchExpired) {
			t.Errorf("the third last of 10 that are remembered: %v", err)
		}
	})
}
