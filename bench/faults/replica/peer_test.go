package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/integration/faults/process"
)

// answer is one answer of a limiter without a wait.
type answer struct {
	ok    bool
	after time.Duration
	err   error
}

// scripted returns its answers in turn, and the last one again and again. It notes when it was asked.
type scripted struct {
	answers []answer
	begun   time.Time
	at      []time.Duration
}

func (s *scripted) ask(context.Context) (bool, time.Duration, error) {
	s.at = append(s.at, time.Since(s.begun))
	a := s.answers[min(len(s.at), len(s.answers))-1]
	return a.ok, a.after, a.err
}

func (s *scripted) setRate(int64) {}

func nothing(context.Context) error { return nil }

// TestLoopSleepsAsTheLimiterSays: a waiter asks again after the time that the limiter returns. It asks again after 20 ms if that time has
// passed, and after 100 ms if the limiter returns an error.
func TestLoopSleepsAsTheLimiterSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{begun: time.Now(), answers: []answer{
			{after: 29 * time.Millisecond}, {after: -time.Second}, {err: errors.New("no Redis"), ok: true, after: time.Hour}, {ok: true},
		}}
		p := newPeer(asking(s))
		if err := p.Execute(t.Context(), nothing); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{0, 29 * time.Millisecond, 49 * time.Millisecond, 149 * time.Millisecond}
		if !slices.Equal(s.at, want) || p.asked() != 4 {
			t.Errorf("asked at %v, %d times, want %v", s.at, p.asked(), want)
		}
	})
}

// TestHowAWaitEnds: a wait with a deadline ends with context.DeadlineExceeded. A drain ends a wait at once and hands the task back. In both cases
// the task does not run.
func TestHowAWaitEnds(t *testing.T) {
	never := func() *peer { return newPeer(asking(&scripted{answers: []answer{{after: time.Hour}}})) }
	full := process.Settings{Rate: 4, Burst: 4, Per: time.Hour, Replicas: 4}
	spent := func() *peer {
		l := newTimeRate(full)
		l.l.Allow()
		return newPeer(l)
	}
	for name, makePeer := range map[string]func() *peer{"asked": never, "x/time/rate": spent} {
		synctest.Test(t, func(t *testing.T) {
			p, ran := makePeer(), false
			task := func(context.Context) error {
				ran = true
				return nil
			}
			limit, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.Execute(limit, task); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: a wait with a deadline ended with %v, want context.DeadlineExceeded", name, err)
			}
			begun, ended := time.Now(), make(chan error)
			go func() { ended <- p.Execute(context.WithoutCancel(t.Context()), task) }()
			synctest.Wait()
			if err := p.Drain(t.Context()); err != nil {
				t.Errorf("%s: the drain returned %v", name, err)
			}
			if err := <-ended; !errors.Is(err, process.ErrHandedBack) || time.Since(begun) > 0 || ran {
				t.Errorf("%s: a drain ended a wait with %v after %v, task run: %v; want ErrHandedBack at once, and no run", name, err, time.Since(begun), ran)
			}
			if err := p.Execute(t.Context(), task); err == nil || ran {
				t.Errorf("%s: a task after the drain: error %v, task run: %v; want an error and no run", name, err, ran)
			}
		})
	}
}

// TestDrainWaitsForWhatRuns: a drain waits for the running task, or until its own context ends.
func TestDrainWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(asking(&scripted{answers: []answer{{ok: true}}}))
		done := make(chan error, 1)
		go func() {
			done <- p.Execute(t.Context(), func(context.Context) error {
				time.Sleep(3 * time.Second)
				return nil
			})
		}()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a drain of 1 s ended with %v, want context.DeadlineExceeded", err)
		}
		begun := time.Now()
		if err := p.Drain(t.Context()); err != nil || time.Since(begun) != 2*time.Second || <-done != nil {
			t.Errorf("the drain took %v and ended with %v, want 2 s and nil", time.Since(begun), err)
		}
		if err := p.Execute(t.Context(), nothing); !errors.Is(err, process.ErrHandedBack) {
			t.Errorf("a task that got its token after the drain ended with %v, want ErrHandedBack", err)
		}
	})
}

// TestPartsOfTheRate: each process has an equal part of the rate and of the burst, and a burst of at least 1.
func TestPartsOfTheRate(t *testing.T) {
	for _, c := range []struct {
		replicas  int
		wantRate  float64
		wantBurst int
	}{{1, 34, 4}, {4, 8.5, 1}, {8, 4.25, 1}} {
		l := newTimeRate(process.Settings{Rate: 34, Burst: 4, Per: time.Second, Replicas: c.replicas})
		if float64(l.l.Limit()) != c.wantRate || l.l.Burst() != c.wantBurst {
			t.Errorf("%d replicas: %v a second, burst %d, want %v and %d", c.replicas, l.l.Limit(), l.l.Burst(), c.wantRate, c.wantBurst)
		}
		l.setRate(10)
		if got := float64(l.l.Limit()) * float64(c.replicas); got != 10 {
			t.Errorf("%d replicas after setRate(10): %v a second in all, want 10", c.replicas, got)
		}
	}
}
