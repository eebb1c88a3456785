package table

import "slices"

// pair is a value of one dimension and a value of another.
type pair struct{ a, x, b, y uint8 }

func (c choice) pairs(do func(pair)) {
	for a := range uint8(dimensions) {
		for b := a + 1; b < dimensions; b++ {
			do(pair{a, c[a], b, c[b]})
		}
	}
}

// index numbers the pairs without large gaps: no dimension has more than eight values.
func (p pair) index() int { return int(p.a)<<9 | int(p.x)<<6 | int(p.b)<<3 | int(p.y) }

// Pairwise returns n of the rows that fit, or all if fewer fit. Every two values of two dimensions meet in one of these
// rows, as far as n rows can cover all pairs. Once every pair is covered, further rows cover every pair again. Pairwise
// also returns the share of the pairs that is covered. A nil fit accepts every row. The choice is the same each time.
func Pairwise(n int, fit func(Row) bool) ([]Row, float64) {
	var rest []choice
	pairs := make([]bool, dimensions<<9)
	for c := range choices() {
		if fit == nil || fit(build(c)) {
			rest = append(rest, c)
			c.pairs(func(p pair) { pairs[p.index()] = true })
		}
	}
	total := 0
	for _, there := range pairs {
		if there {
			total++
		}
	}
	var rows []Row
	missing, left, share := slices.Clone(pairs), total, 0.0
	for len(rows) < n && len(rest) > 0 {
		best, most := 0, -1
		for at, c := range rest { // greedy: the row with the most pairs that no row before had
			gain := 0
			c.pairs(func(p pair) {
				if missing[p.index()] {
					gain++
				}
			})
			if gain > most {
				best, most = at, gain
			}
		}
		c := rest[best]
		c.pairs(func(p pair) { missing[p.index()] = false })
		rows, left = append(rows, build(c)), left-most
		rest = append(rest[best+1:], rest[:best]...) // ties do not always go to the first rows of the product
		share = max(share, float64(total-left)/float64(total))
		if left == 0 {
			missing, left = slices.Clone(pairs), total
		}
	}
	return rows, share
}
