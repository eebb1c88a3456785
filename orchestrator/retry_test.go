package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestAnOutageIsNotAmplified: if every attempt fails, retries are a tenth of the first attempts, or one a second.
func TestAnOutageIsNotAmplified(t *testing.T) {
	for name, c := range map[string]struct{ every, most time.Duration }{
		"a tenth":      {10 * time.Millisecond, 0}, // 100 a second
		"one a second": {time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, orchestrator.Config{Slots: 50, Retry: orchestrator.Retry{First: time.Millisecond, Most: time.Millisecond}}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
				t.Logf("%d attempts of %d tasks, %d ended because the retry budget was spent", attempts, firsts, spent.Load())
				if retries := attempts - firsts; retries > most || retries < most*8/10 {
					t.Errorf("%d retries of %d tasks, want about %d", retries, firsts, most)
				}
				if s := o.Snapshot(); s.Retried != attempts-firsts || s.RetriesSpent != spent.Load() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestRetriesWaitWithoutASlot: each retry waits for a random time that grows up to a bound, and takes a token.
func TestRetriesWaitWithoutASlot(t *testing.T) {
	cfg := orchestrator.Config{Slots: 1, Retry: orchestrator.Retry{Attempts: 100, First: 100 * time.Millisecond, Most: time.Second}}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		var starts []time.Time
		var contexts []context.Context
		f := submit(t, t.Context(), o, func(ctx context.Context) (int, error) {
			for _, before := range contexts {
				if before.Err() == nil {
					t.Error("the context of a finished attempt has not ended")
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
		for range 20 { // the one slot is free meanwhile; the bucket is shut for a millisecond after each refusal, and empty then
			begin := time.Now()
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil || time.Since(begin) > 3*time.Millisecond {
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

func TestWhatIsNotTriedAgain(t *testing.T) {
	inBubble(t, orchestrator.Config{Retry: orchestrator.Retry{First: time.Second}}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
			"asked for too long": {t.Context(), end(orchestrator.Again(wrong, time.Hour)), []orchestrator.Option{orchestrator.Route("slow")}, 1}, // whose bucket is paused
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

// TestPatientTasksWaitAlone: their attempts are their patience apart, cost nothing of the retry budget, and delay no other task.
func TestPatientTasksWaitAlone(t *testing.T) {
	busy := errors.New("busy")
	for _, c := range []struct {
		name    string
		verdict orchestrator.Verdict
		least   time.Duration // between attempts
		ran     int
	}{
		{"patient", orchestrator.Verdict{Again: true, Patience: 2 * time.Second}, 2 * time.Second, 30},
		{"patient, often", orchestrator.Verdict{Again: true, Patience: 100 * time.Millisecond}, 100 * time.Millisecond, 30}, // with the budget 13
		{"patient, of an overloaded provider", orchestrator.Verdict{Again: true, Overloaded: true, Patience: 2 * time.Second}, 2 * time.Second, 30},
		{"the provider asks for more", orchestrator.Verdict{Again: true, After: 3 * time.Second, Patience: time.Second}, 3 * time.Second, 30},
		{"the provider asks for less", orchestrator.Verdict{Again: true, After: time.Second, Patience: 3 * time.Second}, 3 * time.Second, 30},
		{"longer than MostAfter", orchestrator.Verdict{Again: true, Patience: 2 * time.Minute}, 0, 1},
		{"not worth another", orchestrator.Verdict{Patience: time.Second}, 0, 1},
	} {
		cfg := orchestrator.Config{Retry: orchestrator.Retry{
			Attempts: 30, First: time.Millisecond, Most: time.Millisecond, Classify: func(error) orchestrator.Verdict { return c.verdict },
		}}
		inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
			ran, before, least := 0, time.Time{}, time.Hour
			f := submit(t, t.Context(), o, func(context.Context) (int, error) {
				if now := time.Now(); ran > 0 {
					least = min(least, now.Sub(before))
				}
				ran, before = ran+1, time.Now()
				return 0, busy
			})
			time.Sleep(time.Second) // the first attempt is over
			begin := time.Now()
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil || time.Since(begin) > 100*time.Millisecond {
				t.Errorf("%s: a task beside it took %v, %v", c.name, time.Since(begin), err)
			}
			if _, err := f.Await(t.Context()); !errors.Is(err, busy) || errors.Is(err, orchestrator.ErrRetryBudget) {
				t.Errorf("%s: %v", c.name, err)
			}
			t.Logf("%-36s %2d attempts, at least %v apart", c.name, ran, least)
			if ran != c.ran || ran > 1 && least < c.least {
				t.Errorf("%s: %d attempts, %v apart; want %d, and %v", c.name, ran, least, c.ran, c.least)
			}
		})
	}
}

func TestRetriesWaitNoLongerThanMost(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Retry: orchestrator.Retry{Most: time.Millisecond}}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var worst time.Duration
		for range 20 {
			var last time.Time
			_, _ = orchestrator.Execute(forever, o, func(context.Context) (int, error) {
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

// TestARetryOfASweptLaneIsHandedBack: a lane that was swept while its task waited for the next attempt counts the
// task, and a drain reaches the task.
func TestARetryOfASweptLaneIsHandedBack(t *testing.T) {
	cfg := orchestrator.Config{Slots: 1, Retry: orchestrator.Retry{MostAfter: time.Hour}}
	inBubbleUnlimited(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		first := true
		f := submit(t, forever, o, func(context.Context) (int, error) {
			if first {
				first = false
				return 0, orchestrator.Again(errors.New("later"), 5*time.Minute)
			}
			return 1, nil
		}, orchestrator.Route("a"))
		time.Sleep(2 * time.Minute)
		for i := range 100 {
			_, _ = orchestrator.Execute(forever, o, value(1), orchestrator.Route(fmt.Sprint("r", i)))
		}
		submit(t, forever, o, sleeper(20*time.Minute, 1), orchestrator.Route("b"))
		time.Sleep(5 * time.Minute) // the task is queued again, behind the task that executes
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

// TestAttemptOfAContext: a function can read the number of its attempt from its context, and from contexts that it derives. A task that it
// submits has its own number.
func TestAttemptOfAContext(t *testing.T) {
	inBubble(t, orchestrator.Config{Retry: orchestrator.Retry{First: time.Millisecond}}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var outer, derived, inner []int
		_, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			outer = append(outer, orchestrator.Attempt(ctx))
			below, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			derived = append(derived, orchestrator.Attempt(below))
			n, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) { return orchestrator.Attempt(ctx), nil })
			if err != nil {
				return 0, err
			}
			if inner = append(inner, n); len(outer) < 3 {
				return 0, orchestrator.Again(errors.New("refused"), time.Millisecond) // a refusal costs nothing of the retry budget
			}
			return 0, nil
		})
		t.Logf("attempts %v, in a derived context %v, of a task within %v, outside %d", outer, derived, inner, orchestrator.Attempt(t.Context()))
		if diff := cmp.Diff([][]int{{1, 2, 3}, {1, 2, 3}, {1, 1, 1}}, [][]int{outer, derived, inner}); err != nil || diff != "" || orchestrator.Attempt(t.Context()) != 0 {
			t.Errorf("%v, attempts (-want +got):\n%s", err, diff)
		}
	})
}
