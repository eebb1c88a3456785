package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// goal is a bound that a run should reach, and the number that this run measured.
type goal struct {
	Workload string   `json:"workload"`
	What     string   `json:"what"`
	Want     string   `json:"want"`
	Measured *float64 `json:"measured"` // null if the run did not measure it
	Reached  *bool    `json:"reached"`
}

const timeRateRow = "x/time/rate (one process)"

// goals computes goals from the tables of this run only. A goal that compares two rows is the median of the ratios of each round.
type goals struct {
	tables map[string]*table
	all    []goal
}

func (s *session) goals() []goal {
	g := goals{tables: map[string]*table{}}
	for _, t := range s.tables {
		g.tables[t.letter] = t
	}
	g.allow(s)
	g.budget()
	g.fast()
	g.others()
	g.kept()
	return g.all
}

func (g *goals) allow(s *session) {
	a := g.tables["A"]
	best := func(c callers) []string {
		name, most := "", math.Inf(-1)
		for _, p := range s.contestants {
			x := a.value(c.String()+": a second", label(p))
			if p.Name != "weir" && !p.OneProcess && !p.Yardstick && x > most {
				name, most = label(p), x
			}
		}
		return []string{name}
	}
	over := func(want float64, c callers) {
		peer := best(c)
		g.atLeast("A", fmt.Sprintf("%v: operations a second ÷ best Redis peer (%s)", c, peer[0]), a.ratio(c.String()+": a second", weirRow(), peer), want)
	}
	over(6, callers{1, 256})
	over(3, callers{1, 64})
	over(1, callers{1, 8})
	g.atLeast("A", "1: operations a second ÷ redis_rate", a.ratio("1: a second", weirRow(), []string{"redis_rate"}), 0.5)
	over(1.8, callers{8, 8})
	const yardstick = "EVALSHA of a hash"
	g.atMost("A", "1: allocations above EVALSHA of a hash", a.value("allocs/op", "weir")-a.value("allocs/op", yardstick), 10)
}

func weirRow() []string { return []string{"weir"} }

func (g *goals) budget() {
	b := g.tables["B"]
	minute := func(name string) float64 { return b.value(name, longRun, "weir") }
	g.atLeast("B", "16 × 10, a minute: use", minute("use"), 0.995)
	over := math.Max(minute("over the law"), b.value("over the law", "16", "weir"))
	g.atMost("B", "16 × 10: calls over the law, any round", over, 0)
	g.atMost("B", "16 × 10, a minute: Redis calls a token", minute("calls/token"), 0.45)
	g.atMost("B", "16 × 10: client CPU a token ÷ redis_rate", b.ratio("client µs/token", []string{"16", "weir"}, []string{"16", "redis_rate"}), 0.15)
	g.atMost("B", "16 × 10: Redis CPU a token ÷ redis_rate", b.ratio("Redis µs/token", []string{"16", "weir"}, []string{"16", "redis_rate"}), 0.05)
	g.atMost("B", "16 × 10, a minute: farthest waiter from the mean, any round", minute("± mean"), 1)
	g.atLeast("B", "16 × 10, a minute: Jain of waiters", minute("Jain"), 0.995)
	g.atMost("B", "16 × 10, a minute: waiters that got nothing, any round", minute("got nothing"), 0)
	g.atMost("B", "16 × 10, a minute: longest ÷ median wait", minute("longest ÷ med"), 1.1)
}

func (g *goals) fast() {
	c := g.tables["C"]
	at := func(name string) float64 { return c.value(name, "20,000", "weir") }
	g.atMost("C", "20,000 a second: Redis calls a token", at("calls/token"), 0.05)
	g.atLeast("C", "20,000 a second: use", at("use"), 0.99)
	g.atMost("C", "20,000 a second: client CPU a token ÷ x/time/rate", c.ratio("client µs/token", []string{"20,000", "weir"}, []string{"20,000", timeRateRow}), 1.5)
}

func (g *goals) others() {
	d := g.tables["D"]
	for _, q := range []string{"p50", "p99"} {
		g.atMost("D", q+" lateness ÷ x/time/rate", d.ratio(q, weirRow(), []string{timeRateRow}), 0.5)
	}
	g.atLeast("D", "earliest start after the time of its token, ms, any round", d.value("earliest", "weir"), 0)

	x := g.tables["X"]
	g.atLeast("X", "use", x.value("use", "weir"), 0.99)
	g.atMost("X", "Redis calls a token", x.value("calls/token", "weir"), 0.45)

	t := g.tables["T"]
	three, alone := "three APIs", "shared alone"
	over := t.value("over the law", three, global)
	for _, api := range []string{"a", "b", "c"} {
		over = math.Max(over, t.value("over the law", three, api))
		g.atLeast("T", fmt.Sprintf("three APIs: use of the %d a second", apis()[api]), t.value("use", three, api), 0.98)
	}
	g.atMost("T", "three APIs: calls over the law, any bucket and round", over, 0)
	g.atMost("T", "three APIs, together below the shared rate: Redis calls a token", t.value("calls/token", three, global), 2.2)
	g.atMost("T", "three APIs, together above the shared rate: Redis calls a token", t.value("calls/token", "three APIs above", global), 1.8)
	g.atLeast("T", "three APIs, together above the shared rate: use of the shared rate", t.value("use", "three APIs above", global), 0.99)
	g.atMost("T", "shared alone, 64 × 10: Redis calls a token", t.value("calls/token", alone, global), 0.6)
	g.atMost("T", "shared alone, 64 × 1: Redis calls a token", t.value("calls/token", "shared alone, one waiter", global), 2.1)
	for _, at := range []struct{ demand, bucket string }{{three, "b"}, {alone, global}} {
		g.atMost("T", at.demand+": mean wait of an urgent call, ms", t.value("urgent mean ms", at.demand, at.bucket), 300)
		g.atMost("T", at.demand+": longest wait of an urgent call, ms, any round", t.value("urgent longest ms", at.demand, at.bucket), 450)
	}

	s := g.tables["S"]
	script := func(what, of string) float64 { return s.ratio("µs", []string{what}, []string{of}) }
	const one = "one token on one bucket"
	g.atMost("S", "one token on one bucket ÷ return 1", script(one, "return 1"), 9)
	g.atMost("S", "one token on two buckets ÷ return 1", script("one token on two buckets", "return 1"), 12)
	g.atMost("S", "16 tokens ÷ one", script("16 tokens on two buckets", "one token on two buckets"), 1.3)
	g.atMost("S", "behind 64 lanes ÷ one token on one bucket", script("behind 64 lanes", one), 2.5)
	g.atMost("S", "behind 1,000 lanes ÷ one token on one bucket", script("behind 1,000 lanes", one), 3)
}

func (g *goals) kept() {
	m, kept := g.tables["M"], g.tables["M, kept"]
	for _, world := range []string{liveWorld, tenantWorld, deadWorld} {
		g.atMost("M", world+": configure ÷ empty fleet", m.value("÷ empty", world, callConfigure), 1.5)
		longest := math.Inf(-1)
		for _, name := range callNames() {
			if name != callBeside {
				longest = math.Max(longest, m.value("p90", world, name))
			}
		}
		g.atMost("M", world+": nine of ten runs of each script, µs", longest, 1000)
		g.atMost("M", world+": fields of the namespace's hash − empty fleet", kept.value("fields", world)-kept.value("fields", emptyWorld), 0)
	}
	g.atMost("M", "after 1,000 returned reservations: nine of ten runs, µs", m.value("p90", emptyWorld, callBeside), 1000)
}

func (g *goals) atLeast(workload, what string, measured, want float64) {
	g.add(workload, what, "≥ ", measured, want, measured >= want)
}

func (g *goals) atMost(workload, what string, measured, want float64) {
	g.add(workload, what, "≤ ", measured, want, measured <= want)
}

func (g *goals) add(workload, what, sign string, measured, want float64, reached bool) {
	n := goal{Workload: workload, What: what, Want: sign + shortest(want)}
	if !math.IsNaN(measured) && !math.IsInf(measured, 0) {
		n.Measured, n.Reached = &measured, &reached
	}
	g.all = append(g.all, n)
}

// printGoals writes the goals that the run measured.
func printGoals(w io.Writer, all []goal) {
	lines := [][]string{{"workload", "goal", "reached", "want", "measured"}}
	reached, measured := 0, 0
	for _, n := range all {
		if n.Measured == nil {
			continue
		}
		measured++
		verdict := "no"
		if *n.Reached {
			verdict = "yes"
			reached++
		}
		lines = append(lines, []string{n.Workload, n.What, verdict, n.Want, shortest(*n.Measured)})
	}
	_, _ = fmt.Fprintf(w, "\nGoals: %d of %d measured goals are reached.\n\n", reached, measured)
	align(w, lines, 3)
}

// shortest returns a number with up to four digits after the point, without zeros at the end.
func shortest(x float64) string {
	text := number(x, 4)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
