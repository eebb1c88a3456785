package table

import (
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// world returns a row of one lane for each route.
func world(limits []Limit, routes ...[]int) Row {
	r := Row{Name: "test", Limits: limits, Costs: Costs{Least: 1, Most: 1}, Replicas: 1}
	for i, path := range routes {
		r.Routes = append(r.Routes, Route{path, limits[path[0]].Rate()})
		r.Lanes = append(r.Lanes, Lane{0, i, 1})
	}
	return r
}

func ten(burst int64) Limit { return Limit{Tokens: 10, Per: time.Second, Burst: burst} }

func namedRow(t *testing.T, name string) Row {
	t.Helper()
	rows := Named()
	i := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no row %q", name)
	}
	return rows[i]
}

// TestIdealTimelines: each timeline has calls (route, cost, arrival, departure), and their starts, worked out by hand.
func TestIdealTimelines(t *testing.T) {
	type row struct {
		route               int
		cost                int64
		arrived, gone, want time.Duration
	}
	never := Never
	window := Limit{Tokens: 2, Per: time.Second, Burst: 2, Window: true}
	for name, c := range map[string]struct {
		row  Row
		rows []row
	}{
		"one token per period": {
			world([]Limit{ten(1)}, []int{0}),
			[]row{{0, 1, 0, never, 100 * ms}, {0, 1, 0, never, 200 * ms}, {0, 1, 250 * ms, never, 300 * ms}, {0, 1, 900 * ms, never, 900 * ms}},
		},
		"saved tokens are at most the burst": {
			world([]Limit{ten(2)}, []int{0}),
			[]row{{0, 1, 1000 * ms, never, 1000 * ms}, {0, 1, 1000 * ms, never, 1000 * ms}, {0, 1, 1000 * ms, never, 1100 * ms}},
		},
		"a call of many tokens is not overtaken": {
			world([]Limit{ten(5)}, []int{0}),
			[]row{{0, 5, 0, never, 500 * ms}, {0, 1, 10 * ms, never, 600 * ms}},
		},
		"a caller that gave up no longer holds up the next": {
			world([]Limit{ten(5)}, []int{0}),
			[]row{{0, 5, 0, 250 * ms, never}, {0, 1, 10 * ms, never, 250 * ms}, {0, 1, 20 * ms, never, 250 * ms}, {0, 1, 30 * ms, never, 300 * ms}},
		},
		"both limits of a chain are kept": {
			world([]Limit{ten(1), {Tokens: 20, Per: time.Second, Burst: 1}}, []int{0, 1}),
			[]row{{0, 1, 0, never, 100 * ms}, {0, 1, 0, never, 200 * ms}},
		},
		"another route goes on while a narrow limit holds one up": {
			world([]Limit{{Tokens: 1, Per: time.Second, Burst: 1}, ten(1)}, []int{0, 1}, []int{1}),
			[]row{{0, 1, 0, never, 1000 * ms}, {1, 1, 10 * ms, never, 100 * ms}, {1, 1, 10 * ms, never, 200 * ms}},
		},
		"a shared limit serves the older route first": {
			world([]Limit{{Tokens: 100, Per: time.Second, Burst: 1}, ten(1)}, []int{0, 1}, []int{1}),
			[]row{{0, 1, 0, never, 100 * ms}, {1, 1, 10 * ms, never, 200 * ms}, {0, 1, 20 * ms, never, 300 * ms}},
		},
		"a window gives its count again a period later": {
			world([]Limit{window}, []int{0}),
			[]row{{0, 1, 0, never, 1000 * ms}, {0, 1, 0, never, 1000 * ms}, {0, 1, 0, never, 2000 * ms}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var tasks []Task
			for _, r := range c.rows {
				tasks = append(tasks, Task{Route: r.route, Cost: r.cost, Arrived: r.arrived, Started: Never, Gone: r.gone})
			}
			for i, f := range ideal(c.row, tasks, 10*time.Second) {
				if f.at != c.rows[i].want {
					t.Errorf("call %d starts at %v, want %v", i, f.at, c.rows[i].want)
				}
			}
		})
	}
}

// TestJudgeNotices: each fault of a limiter fails the mark that covers it.
func TestJudgeNotices(t *testing.T) {
	shift := func(by time.Duration) func(*Log) {
		return func(l *Log) {
			for i := range l.Tasks {
				if t := &l.Tasks[i]; t.Started != Never {
					t.Started += by
				}
			}
		}
	}
	for name, c := range map[string]struct {
		row   string
		spoil func(*player)
		edit  func(*Log)
		want  string
	}{
		"a start before its token": {"40/s burst 1", nil, func(l *Log) { l.Tasks[20].Started -= 2 * ms }, "law"},
		"a start too many in a window": {"window 40 in 1s", nil, func(l *Log) {
			l.Tasks = append(l.Tasks, Task{Cost: 1, Arrived: 1500 * ms, Started: 1500 * ms, Gone: Never})
		}, "law"},
		"a bucket that is idle while somebody waits": {"40/s burst 40 from empty", func(p *player) {
			inner := p.serve
			p.serve = func(tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool {
				if now > 2*time.Second && now < 2200*ms && levels[0].ready(1) <= now {
					levels[0].take(now, 1) // a token that no call gets
				}
				return inner(tasks, fates, levels, queues, now)
			}
		}, nil, "used"},
		"an idle bucket behind a narrow one": {"chain 10b1 → 40b1", func(p *player) {
			inner := p.serve
			p.serve = func(tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool {
				ok := inner(tasks, fates, levels, queues, now)
				if ok {
					levels[0].full += levels[0].per * levels[0].limit.Burst / 20
				}
				return ok
			}
		}, nil, "used"},
		"the youngest first": {"10/s burst 20, 300 callers", func(p *player) {
			inner := p.serve
			p.serve = func(tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool {
				slices.Reverse(queues[0])
				ok := inner(tasks, fates, levels, queues, now)
				if rest := queues[0]; ok {
					slices.Reverse(rest)
				} else {
					slices.Reverse(queues[0])
				}
				return ok
			}
		}, nil, "overtaken"},
		"every start late": {"40/s burst 40 from empty", nil, shift(70 * ms), "mean wait"},
		"nobody served after most gave up": {"40/s burst 40, most give up", nil, func(l *Log) {
			for i := range l.Tasks {
				if t := &l.Tasks[i]; t.Started != Never && t.Started > 5*time.Second && t.Started < 7*time.Second {
					t.Started = Never
				}
			}
		}, "used from 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			r := namedRow(t, c.row)
			log := play(r, c.spoil)
			if c.edit != nil {
				c.edit(&log)
			}
			failed := Judge(r, log, Tolerance{Slack: time.Microsecond}).Failed()
			if !slices.ContainsFunc(failed, func(m Mark) bool { return m.Name == c.want }) {
				t.Errorf("the failed marks are %v, want %q among them", failed, c.want)
			}
		})
	}
}
