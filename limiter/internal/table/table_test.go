package table

import (
	"testing"
	"time"
)

// TestPerfectLimiterIsGreen: a limiter that serves like the ideal queue reaches every mark of every row.
func TestPerfectLimiterIsGreen(t *testing.T) {
	rows, share := Pairwise(120, nil)
	t.Logf("%d rows, %.1f %% of the pairs", len(rows), 100*share)
	if share < 1 {
		t.Errorf("%d rows cover the share %.3f of the pairs, want all", len(rows), share)
	}
	for _, r := range append(rows, Named()...) {
		t.Run(r.String(), func(t *testing.T) {
			result := Judge(r, play(r, nil), Tolerance{Slack: time.Microsecond})
			t.Log(result, r.World())
			if len(result.Failed()) > 0 {
				t.Errorf("the failed marks are %v, want none", result.Failed())
			}
			if result.Tokens < 20 {
				t.Errorf("%d tokens, too few for a verdict", result.Tokens)
			}
		})
	}
}

// TestRowsAreSound: names are unique, every row can be run, and a row is the same each time.
func TestRowsAreSound(t *testing.T) {
	names, n := map[string]bool{}, 0
	check := func(r Row) {
		n++
		if names[r.String()] {
			t.Errorf("two rows have the name %q", r)
		}
		names[r.String()] = true
		for _, l := range r.Limits {
			if l.Tokens < 1 || l.Per <= 0 || l.Per%time.Microsecond != 0 || l.Burst < 1 || l.Burst < r.Costs.Most || l.Window && l.Burst != l.Tokens {
				t.Errorf("row %v: the limit %v cannot serve costs up to %d", r, l, r.Costs.Most)
			}
		}
		for i, l := range r.Lanes {
			if l.Waiters < 1 || r.Leaving > 0 && r.Leaving >= r.Replicas {
				t.Errorf("row %v: lane %d is %+v, and %d of %d replicas leave: want waiters in each lane and a replica that stays", r, i, l, r.Leaving, r.Replicas)
			}
		}
	}
	for r := range All() {
		check(r)
	}
	for _, r := range Named() {
		check(r)
	}
	t.Logf("%d rows", n)
	again, _ := Pairwise(10, nil)
	for i, r := range firstOf(Pairwise(10, nil)) {
		if r.String() != again[i].String() {
			t.Errorf("row %d is %v the first time and %v the second", i, r, again[i])
		}
	}
}

func firstOf(rows []Row, _ float64) []Row { return rows }
