package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/paper"
)

const (
	// full is the share of time from which a busy Redis counts as fully used.
	full = 0.9
	// enough is the share of its budget that a fleet uses if one Redis is enough.
	enough = 0.99
	// longest bounds the virtual length of a world.
	longest = 500 * time.Second
	// mostStarts bounds the number of starts in the counted time of a world.
	mostStarts = 1_000_000
)

func sizes() []int { return []int{1, 4, 16, 64, 256, 1000, 4000, 10_000} }

// row returns a world of the table. Its callers could use twice the budget, and each replica has at least two. All callers first ask within
// the first turn. After the second turn each of them has waited behind all others once, and counting begins.
func row(replicas int, rate int64, c paper.Costs) paper.World {
	w := paper.World{
		Replicas: replicas, Task: task, Limits: []bucket.Limit{paper.PerSecond(rate, rate)}, Costs: c, Seed: 1,
	}
	w.Callers = max(2, int(math.Ceil(2*float64(rate)*task.Seconds()/float64(replicas))))
	w.Warm, w.Length = 2*w.Turn()+5*time.Second, max(20*time.Second, 4*w.Turn())
	return w
}

// shorten reduces the length of a world that would take too long. It reports whether it did.
func shorten(w *paper.World) bool {
	most := min(longest, time.Duration(mostStarts/w.Rate()*float64(time.Second)))
	if w.Length <= most {
		return false
	}
	w.Length = most
	return true
}

// table prints a table for each rate, and the size of fleet at which one Redis is no longer enough.
func table(ctx context.Context, out *page, c paper.Costs, rates []int64) error {
	printCosts(out, c)
	for _, rate := range rates {
		out.printf("\n%d a second\n\n", rate)
		out.printf("| replicas | callers each | length, s | used | script calls a second | calls a token | Redis busy | Jain | median wait, s | longest wait, s |\n")
		out.printf("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
		var seen []paper.Result
		for _, n := range sizes() {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			w := row(n, rate, c)
			short := ""
			if shorten(&w) {
				short = " (shortened)"
			}
			r := paper.Run(w)
			seen = append(seen, r)
			jain := fmt.Sprintf("%.4f", r.Jain)
			if r.Turns < 1 {
				jain = "–"
			}
			out.printf("| %d | %d | %.0f%s | %.1f %% | %.0f | %.3f | %.1f %% | %s | %.3f | %.3f |\n",
				n, w.Callers, w.Length.Seconds(), short, 100*r.Used, r.Scripts, r.PerToken, 100*r.Busy, jain, r.Median.Seconds(), r.Longest.Seconds())
		}
		out.printf("\n%s\n", verdict(rate, seen))
	}
	return nil
}

// verdict returns a sentence: at which size of fleet one Redis is no longer enough.
func verdict(rate int64, seen []paper.Result) string {
	for i, r := range seen {
		if r.Busy < full && r.Used >= enough {
			continue
		}
		why := fmt.Sprintf("it is busy for %.0f %% of the time and %.1f %% of the budget is used", 100*r.Busy, 100*r.Used)
		if i == 0 {
			return fmt.Sprintf("At %d a second one Redis is not enough for one replica: %s.", rate, why)
		}
		return fmt.Sprintf("At %d a second one Redis is enough for %d replicas and stops being enough before %d: there %s.", rate, sizes()[i-1], sizes()[i], why)
	}
	last := len(seen) - 1
	return fmt.Sprintf("At %d a second one Redis is enough for all %d replicas: it is busy for %.0f %% of the time there.", rate, sizes()[last], 100*seen[last].Busy)
}
