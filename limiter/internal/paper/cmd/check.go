package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/paper"
)

// size is a fleet that is small enough to run on one machine.
type size struct {
	replicas, callers int
	rate              int64
}

// worlds is the number of runs whose mean is the prediction.
const worlds = 8

// checked returns the sizes of a check. calibrate measures no constant at these sizes.
func checked() []size { return []size{{64, 4, 400}, {500, 2, 1000}} }

func (s size) String() string {
	return fmt.Sprintf("%d replicas of %d callers, %d a second", s.replicas, s.callers, s.rate)
}

// world returns the world that is run on paper and with real limiters.
func (s size) world(c paper.Costs) paper.World {
	return paper.World{
		Replicas: s.replicas, Callers: s.callers, Task: task, Limits: []bucket.Limit{paper.PerSecond(s.rate, s.rate)}, Costs: c,
		Warm: 5 * time.Second, Length: 20 * time.Second, Seed: 1,
	}
}

// check measures the constants, predicts the figures, runs real fleets and compares. It reports whether every figure is
// within its allowed difference.
func check(ctx context.Context, out *page) (ok bool, err error) {
	s, err := startServer(ctx, 512)
	if err != nil {
		return false, err
	}
	defer s.stop()
	costs, err := calibrate(ctx, s)
	if err != nil {
		return false, err
	}
	printCosts(out, costs)
	ok = true
	for _, size := range checked() {
		w := size.world(costs)
		predicted := paper.Mean(w, worlds)
		out.printf("\nPredicted, %v:\n  %v\n", size, line(predicted))
		got, err := s.real(ctx, w, size.rate)
		if err != nil {
			return false, err
		}
		out.printf("Measured, with real limiters on a real Redis:\n  %v\n\n", line(got))
		ok = compare(out, predicted, got) && ok
	}
	return ok, nil
}

func line(r paper.Result) string {
	return fmt.Sprintf("used %.2f %%, Jain %.4f, %.3f calls a token, median wait %.1f ms, longest %.1f ms, Redis busy %.1f %%",
		100*r.Used, r.Jain, r.PerToken, ms(r.Median), ms(r.Longest), 100*r.Busy)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// compare prints two results side by side, and reports whether every figure is within its allowed difference.
func compare(out *page, predicted, got paper.Result) bool {
	ok := true
	out.printf("| figure | predicted | measured | difference | allowed | |\n|---|---:|---:|---:|---:|---|\n")
	for _, f := range []struct {
		name           string
		predicted, got float64
		allowed        float64 // 0 for no bound
	}{
		{"used share of the budget, %", 100 * predicted.Used, 100 * got.Used, 0.05},
		{"Jain index over replicas", predicted.Jain, got.Jain, 0.05},
		{"script calls a token", predicted.PerToken, got.PerToken, 0.05},
		{"median wait, ms", ms(predicted.Median), ms(got.Median), 0.1},
		{"longest wait, ms", ms(predicted.Longest), ms(got.Longest), 0.1},
		{"Redis busy, %", 100 * predicted.Busy, 100 * got.Busy, 0},
	} {
		off := (f.predicted - f.got) / f.got
		allowed, verdict := "", ""
		if f.allowed > 0 {
			allowed, verdict = fmt.Sprintf("%.0f %%", 100*f.allowed), "ok"
			if math.Abs(off) > f.allowed {
				verdict, ok = "missed", false
			}
		}
		out.printf("| %s | %.4g | %.4g | %+.1f %% | %s | %s |\n", f.name, f.predicted, f.got, 100*off, allowed, verdict)
	}
	return ok
}
