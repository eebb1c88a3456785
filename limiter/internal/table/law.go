package table

import (
	"slices"
	"time"
)

// starts returns what a limit gave, by time: its whole content at the beginning, then the tasks.
func starts(r Row, limit int, tasks []Task) []start {
	out := []start{{0, r.Limits[limit].Burst}}
	for _, t := range tasks {
		if t.Started != Never && slices.Contains(r.Routes[t.Route].Limits, limit) {
			out = append(out, start{t.Started, t.Cost})
		}
	}
	slices.SortStableFunc(out, func(a, b start) int { return int(a.at - b.at) })
	return out
}

// excess returns by how many tokens the starts of a limit, by time, exceed its law. In every stretch of length T a
// bucket may start at most burst + rate·(T + slack). A window may start at most its count in every half-open stretch of
// its length less slack. The result is 0 if the law holds.
//
// With v(i) = tokens before i − rate·t(i), the stretch from i to j keeps the law when v(j) + cost(j) − v(i) ≤ burst +
// rate·slack. One pass that remembers the smallest v sees every stretch. The arithmetic is exact: everything is
// multiplied by the time of a token.
func excess(l Limit, all []start, slack time.Duration) float64 {
	if l.Window {
		return windowExcess(l, all, slack)
	}
	d := gcd(l.Tokens, int64(l.Per))
	tokens, per := l.Tokens/d, int64(l.Per)/d
	least, sum, worst := int64(Never), int64(0), int64(0)
	for _, s := range all {
		least = min(least, sum*per-int64(s.at)*tokens)
		sum += s.cost
		worst = max(worst, sum*per-int64(s.at)*tokens-least-l.Burst*per-int64(slack)*tokens)
	}
	return float64(worst) / float64(per)
}

func windowExcess(l Limit, all []start, slack time.Duration) float64 {
	first, sum, worst := 0, int64(0), int64(0)
	for i, s := range all {
		sum += s.cost
		for first < i && all[first].at <= s.at-(l.Per-slack) {
			sum -= all[first].cost
			first++
		}
		worst = max(worst, sum-l.Tokens)
	}
	return float64(worst)
}
