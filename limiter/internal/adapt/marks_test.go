package adapt_test

import (
	"fmt"
	"strings"
	"testing"
)

// seeds is how many runs a situation has.
const seeds = 12

// situation is a world, and what is measured in it.
type situation struct {
	name     string
	world    world
	measures []measure
}

// measure is a number that a run has, and the marks that it should reach in the mean of the runs and in each of them.
type measure struct {
	name       string
	most       bool // the number must not exceed its mark
	of         func([]fate) float64
	mean, each bar
}

// bar is a mark. Where the mark is missed, holds is what is asserted in its place. The zero bar asks for nothing.
type bar struct{ mark, holds float64 }

func want(mark float64) bar          { return bar{mark, mark} }
func missed(mark, holds float64) bar { return bar{mark, holds} }

// beyond is by how much x misses a mark; negative where it does not.
func (m measure) beyond(x, mark float64) float64 {
	if m.most {
		return x - mark
	}
	return mark - x
}

// verdict compares a number with its bar in words, and returns an error if the number is worse than the test allows.
func (m measure) verdict(what string, x float64, b bar) (words string, err error) {
	if b == (bar{}) {
		return "", nil
	}
	if m.beyond(x, b.holds) > 0 {
		err = fmt.Errorf("%s: %s is %.3f, the test allows %.3f, the mark is %.3f", m.name, what, x, b.holds, b.mark)
	}
	if by := m.beyond(x, b.mark); by > 0 {
		return fmt.Sprintf("  %s MISSES %.4g by %.2g", what, b.mark, by), err
	}
	return fmt.Sprintf("  %s %.4g", what, b.mark), err
}

// TestMarks prints what fleets reach in virtual time, and holds it.
func TestMarks(t *testing.T) {
	var table strings.Builder
	for _, s := range situations() {
		var runs [][]fate
		for seed := range uint64(seeds) {
			runs = append(runs, s.world.run(seed))
		}
		for _, m := range s.measures {
			sum, worst := 0.0, m.of(runs[0])
			for _, out := range runs {
				x := m.of(out)
				sum += x
				if m.beyond(x, worst) > 0 {
					worst = x
				}
			}
			mean, err := m.verdict("mean", sum/seeds, m.mean)
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
			each, err := m.verdict("worst", worst, m.each)
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
			fmt.Fprintf(&table, "%-31s %-28s %7.3f %7.3f %s%s\n", s.name, m.name, sum/seeds, worst, mean, each)
		}
	}
	t.Logf("%d seeds each\n%-31s %-28s %7s %7s   marks\n%s", seeds, "situation", "measure", "mean", "worst", table.String())
}
