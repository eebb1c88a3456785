package lane

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// still is a store for tests that make no request.
type still struct{}

func (still) Reserve(*Route, *Request) error { return nil }

// routeOf returns a route of one limit.
func routeOf(burst int64) *Route {
	return NewRoute(Route{
		Name: "route", Version: 1, Slack: 50 * time.Millisecond,
		Limits: []Limit{{Limit: bucket.Limit{Tokens: 1, Per: 100_000, Burst: burst}, Bucket: "bucket", Per: time.Second, Tally: &Tally{}}},
	})
}

func sharedOf() *Shared {
	return &Shared{
		Slack: 50 * time.Millisecond, Horizon: 250 * time.Millisecond, Timeout: 5 * time.Second, Clock: NewClock(),
		Refresh: func(int64) error { return nil }, Passing: func(error) bool { return true }, Unavailable: func(err error) error { return err },
		Reopen: func(*Lane) *Lane { return nil }, Used: func(time.Time) {},
	}
}

// counter collects the reservations that a scheduler gets.
type counter struct{ got []Grant }

func (c *counter) Take(g *Grant) { c.got = append(c.got, *g) }

// TestMatch: for any callers and any reservations, no token is lost or given twice. A caller gets a reservation before its due time only
// if it takes reservations ahead, and never one that is due after its deadline. Of equal callers the first is served first. No
// reservation is left that a caller without one could use.
func TestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		n := New(sharedOf(), "lane", false, still{}, routeOf(20))
		tokens, named := rapid.Int64Range(1, rapid.SampledFrom([]int64{1, 3, 20}).Draw(t, "largest")), []Each{""}
		if rapid.Bool().Draw(t, "costs by bucket") {
			named = []Each{"", "a 3", "b 0"}
		}
		cost := rapid.Custom(func(t *rapid.T) Cost {
			return Cost{tokens.Draw(t, "tokens"), rapid.SampledFrom(named).Draw(t, "of buckets")}
		})
		before, after := map[Each]int64{}, map[Each]int64{} // tokens, by the kind of their cost
		for range rapid.IntRange(0, 12).Draw(t, "grants") {
			g := Grant{Due: now.Add(time.Duration(rapid.IntRange(-20, 200).Draw(t, "due")) * time.Millisecond), Cost: cost.Draw(t, "tokens"), lane: n, Route: n.Route()}
			before[g.Cost.Each] += g.Cost.Tokens
			n.pool.add(&g)
		}
		var all []*waiter
		takes := map[*waiter]*counter{}
		for i := range rapid.IntRange(0, 12).Draw(t, "callers") {
			a := Ask{Mode: rapid.SampledFrom([]Mode{WhenDue, WhenDue, Ahead, AtOnce, Come}).Draw(t, "mode"), Cost: cost.Draw(t, "cost"), N: 1, Since: now.Add(time.Duration(i))}
			if a.Mode == WhenDue || a.Mode == Ahead {
				if d := rapid.IntRange(-1, 150).Draw(t, "deadline"); d >= 0 {
					a.Deadline = now.Add(time.Duration(d) * time.Millisecond)
				}
			}
			w := n.shared.waiters.get(a)
			if a.Mode == Come {
				w.N = rapid.IntRange(1, 5).Draw(t, "calls")
				takes[w] = &counter{}
				w.to = takes[w]
			}
			n.queue.push(w)
			all = append(all, w)
		}
		missing := n.matchLocked(now)
		for _, g := range n.pool.grants {
			after[g.Cost.Each] += g.Cost.Tokens
			if g.Cost.Tokens < 0 || g.promised > g.Cost.Tokens {
				t.Fatalf("a grant of %v tokens has %d of them promised to callers", g.Cost, g.promised)
			}
		}
		plain := n.queue.odd == 0 && n.pool.odd == 0
		left, first := 0, map[Ask]int{}
		for i, w := range all {
			got := []Grant{w.one}
			if w.to != nil {
				got = takes[w].got
			}
			for _, g := range got[:min(len(got), w.got)] {
				after[g.Cost.Each] += g.Cost.Tokens
				switch {
				case g.Cost != w.Cost:
					t.Errorf("a call of cost %v got a grant of %v", w.Cost, g.Cost)
				case g.Due.After(now) && (w.Mode == WhenDue || w.Mode == AtOnce):
					t.Errorf("a caller of mode %d got a reservation %v before it is due", w.Mode, g.Due.Sub(now))
				case !w.Deadline.IsZero() && w.Deadline.Before(g.Due):
					t.Errorf("a caller got a reservation that is due %v after its deadline", g.Due.Sub(w.Deadline))
				}
			}
			if w.err != nil {
				continue
			}
			alike := Ask{Mode: w.Mode, Cost: w.Cost, Deadline: w.Deadline}
			if earlier, ok := first[alike]; ok && w.got > 0 && all[earlier].got == 0 {
				t.Errorf("caller %d was served before caller %d, which wants the same and asked first", i, earlier)
			} else if !ok {
				first[alike] = i
			}
			if w.state == ended || plain {
				continue
			}
			if w.state != covered {
				left++
				for _, g := range n.pool.grants {
					if g.left().serves(w.Cost) && w.Mode != AtOnce {
						t.Errorf("%v tokens are left in the pool, and a call of cost %v has no reservation", g.left(), w.Cost)
					}
				}
			}
		}
		for _, each := range named {
			if before[each] != after[each] {
				t.Errorf("before the match the pool had %d tokens of %q, afterwards pool and callers have %d", before[each], each, after[each])
			}
		}
		if !plain && missing != (left > 0) {
			t.Errorf("match reports missing reservations: %v, but %d callers have none", missing, left)
		}
	})
}
