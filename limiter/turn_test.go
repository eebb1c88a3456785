package limiter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestTurnSaysWhenCallsCouldStart: a scheduler whose calls have to wait gets the time at which the last of them could start, and
// how long each further token takes. So it can refuse calls whose deadline is before that.
func TestTurnSaysWhenCallsCouldStart(t *testing.T) {
	for name, c := range map[string]struct {
		limit       limiter.Limit
		n           int
		pause       time.Duration
		last, every time.Duration
	}{
		"1 a second":   {limiter.PerSecond(1, 5), 3, 0, 3 * time.Second, time.Second},
		"4 a second":   {limiter.PerSecond(4, 8), 10, 0, 2500 * time.Millisecond, 250 * time.Millisecond},
		"5 in 10 s":    {limiter.PerWindow(5, 10*time.Second), 2, 0, 10 * time.Second, 0},
		"paused a day": {limiter.PerSecond(10, 10), 1, 24 * time.Hour, 24 * time.Hour, 100 * time.Millisecond},
		"5 a day":      {limiter.Limit{Tokens: 5, Per: 24 * time.Hour, Burst: 5}, 1, 0, 24 * time.Hour / 5, 24 * time.Hour / 5},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				l := fleet[0]
				empty(t, l, holds(c.limit))
				if c.pause > 0 {
					if err := l.Pause(t.Context(), "global", c.pause); err != nil {
						t.Fatal(err)
					}
				}
				var turn limiter.Turn
				for n := c.n; ; {
					rs, got, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: n})
					if err != nil {
						t.Fatal(err)
					}
					if n -= len(rs); len(rs) == 0 || n <= 0 {
						turn = got
						break
					}
				}
				if d := time.Until(turn.Last) - c.last; d < -time.Second/2 || d > time.Second/2 || turn.Every != c.every {
					t.Errorf("the last call could start in %v, and further tokens take %v each, want %v and %v", time.Until(turn.Last), turn.Every, c.last, c.every)
				}
			}, 1)
		})
	}
}

// TestCheckMakesNoRequest: Check refuses calls that can never start, with the same errors as the calls, and makes no request.
func TestCheckMakesNoRequest(t *testing.T) {
	both(t, one(40, 8), func(t *testing.T, l *limiter.Limiter) {
		before := l.StoreCalls()
		if err := l.Check("global", 8); err != nil {
			t.Error(err)
		}
		large, ok := errors.AsType[*limiter.ExceedsBurstError](l.Check("global", 9))
		if !ok || large.Bucket != "global" || large.Burst != 8 {
			t.Errorf("Check of a call larger than the burst: %+v, want an ExceedsBurstError", large)
		}
		if _, ok := errors.AsType[*limiter.RouteError](l.Check("golbal", 1)); !ok {
			t.Error("Check of an unknown route: no error")
		}
		if n := l.StoreCalls() - before; n != 0 {
			t.Errorf("Check made %d requests", n)
		}
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := l.Check("global", 1); !errors.Is(err, limiter.ErrClosed) {
			t.Error(err)
		}
	})
}
