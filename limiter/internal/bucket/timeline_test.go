package bucket_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// timeline is a list of requests to limits that are full at first, with the expected result of each.
type timeline struct {
	name   string
	limits map[string]bucket.Limit // limits whose names begin with one letter are of one bucket
	rows   []row
	lost   bool // the levels of the limits are unknown at first
}

// row is a request. Times are ms, and need not be whole.
type row struct {
	at   float64
	lane string
	on   string // limits of the route
	asks []bucket.Ask
	want string // the answers, when to ask again, and the remaining spares
	more extra
}

// extra has the properties of a request that most requests do not have.
type extra struct {
	lead   float64
	spares []bucket.Spare          // due times from now, ms
	limits map[string]bucket.Limit // in force from this request on
	opens  float64                 // when the limits of the route open, ms
	empty  float64                 // when the limits are emptied, ms
}

func calls(n int) bucket.Ask { return bucket.Ask{N: n, Cost: []int64{1}, Patience: -1} }

func aged(ms int64, a bucket.Ask) bucket.Ask   { a.Age = ms * 1000; return a }
func within(ms int64, a bucket.Ask) bucket.Ask { a.Patience = ms * 1000; return a }
func urgent(a bucket.Ask) bucket.Ask           { a.Urgent = true; return a }
func costing(n int64, a bucket.Ask) bucket.Ask { a.Cost = []int64{n}; return a }
func ask(a ...bucket.Ask) []bucket.Ask         { return a }

func window(count int64, width time.Duration) bucket.Limit {
	l := per(count, width, count, true)
	return l
}

func TestTimelines(t *testing.T) {
	for _, l := range timelines {
		t.Run(l.name, func(t *testing.T) { l.play(t) })
	}
}

func (l timeline) play(t *testing.T) {
	t.Helper()
	limits, core := map[string]bucket.Limit{}, map[string]*bucket.Bucket{}
	for name, limit := range l.limits {
		limits[name], core[name] = limit, bucket.New(limit)
		if l.lost {
			core[name] = bucket.Lost(limit, epoch, horizon)
		}
	}
	for _, r := range l.rows {
		now := epoch + int64(r.at*1000)
		q := bucket.Request{Lane: r.lane, Now: now, Horizon: horizon, Lead: int64(r.more.lead * 1000), Asks: r.asks}
		for _, s := range r.more.spares {
			q.Spares = append(q.Spares, bucket.Spare{Due: now + s.Due*1000, Cost: s.Cost, Fresh: s.Fresh})
		}
		maps.Copy(limits, r.more.limits)
		var route bucket.Route
		names := strings.Fields(r.on)
		for _, name := range names {
			opens := int64(0)
			if r.more.opens > 0 {
				opens = epoch + int64(r.more.opens*1000)
			}
			core[name].Enter(now, limits[name], opens)
			if r.more.empty > 0 {
				core[name].Empty(epoch + int64(r.more.empty*1000))
			}
			route.Limits = append(route.Limits, core[name])
			route.Of = append(route.Of, int(name[0]))
		}
		var reply bucket.Reply
		bucket.Decide(route, &q, &reply)
		if got := describe(&reply, now, names); got != r.want {
			t.Errorf("at %v ms, lane %s asks at %s: got %s\nwant %s", r.at, r.lane, r.on, got, r.want)
		}
	}
}

// describe returns a reply as text: each answer with its first time in ms from now, and the limit that sets it.
func describe(reply *bucket.Reply, now int64, names []string) string {
	ms := func(us int64) string { return strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) }
	var words []string
	for _, a := range reply.Answers {
		verdict := [...]string{bucket.Reserved: "reserved", bucket.Refused: "refused", bucket.Waiting: "waits"}[a.Verdict]
		at := a.At.At
		if a.Bound >= 0 {
			at = a.At.Ceil()
		}
		text := fmt.Sprint(a.N, " ", verdict, " ", ms(at))
		if a.Bound >= 0 {
			text += " by " + names[a.Bound]
		}
		words = append(words, text)
	}
	if reply.ComeBack >= 0 {
		words = append(words, "back "+ms(reply.ComeBack))
	}
	for _, s := range reply.Left {
		words = append(words, "left "+ms(s.Due-now))
	}
	return strings.Join(words, ", ")
}

var one = map[string]bucket.Limit{"a": limit(10, 1)}

func spares(due ...int64) (s []bucket.Spare) {
	for _, ms := range due {
		s = append(s, bucket.Spare{Due: ms, Cost: []int64{1}})
	}
	return s
}

// fresh returns a reservation that a lane returns now.
func fresh(cost, due int64) []bucket.Spare {
	return []bucket.Spare{{Due: due, Cost: []int64{cost}, Fresh: true}}
}

var timelines = []timeline{
	{name: "a run passes over nothing", limits: map[string]bucket.Limit{"a": limit(1000, 1), "s": limit(1000, 1)}, rows: []row{
		{at: 0, lane: "z", on: "s", asks: ask(calls(300)), want: "1 reserved 0, 250 reserved 1 by s, 49 waits 251 by s, back 176"},
		{at: 70, lane: "y", on: "a", asks: ask(calls(250)), want: "1 reserved 0, 249 reserved 1 by a"},
		{at: 240, lane: "x", on: "a s", asks: ask(calls(5)), want: "1 reserved 80 by a, 4 waits 130 by s, back 55"},
	}},
	{name: "a window has no level", limits: map[string]bucket.Limit{"a": limit(10, 1), "w": window(3, 200*time.Millisecond)}, rows: []row{
		{at: 0, lane: "x", on: "w", asks: ask(calls(6)), want: "3 reserved 0, 3 reserved 200 by w"},
		{at: 50, lane: "x", on: "w", more: extra{limits: map[string]bucket.Limit{"w": window(100, 200*time.Millisecond)}}},
		{at: 70, lane: "y", on: "a", asks: ask(calls(3)), want: "1 reserved 0, 2 reserved 100 by a"},
		{at: 250, lane: "x", on: "a w", asks: ask(calls(1)), want: "1 waits 120 by a, back 80"},
	}},
	{name: "patience", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0"},
		{at: 0, lane: "x", on: "a", asks: ask(within(50, calls(1))), want: "1 refused 100 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(within(150, calls(3))), want: "1 reserved 100 by a, 2 refused 200 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(4)), want: "1 reserved 200 by a, 3 waits 300 by a, back 200"},
		{at: 0, lane: "y", on: "a", asks: ask(within(700, calls(4))), want: "2 waits 600 by a, 2 refused 800 by a, back 400"},
		{at: 0, lane: "z", on: "a", asks: ask(within(500, calls(4))), want: "4 refused 800 by a"},
		{at: 0, lane: "v", on: "a", asks: ask(calls(1)), want: "1 waits 800 by a, back 200"},
	}},
	{name: "run within patience", limits: map[string]bucket.Limit{"a": limit(100, 1)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(within(50, calls(9))), want: "1 reserved 0, 5 reserved 10 by a, 3 refused 60 by a"},
	}},
	{name: "spares", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0, left 50", more: extra{spares: spares(50)}},
		{at: 0, lane: "x", on: "a", asks: ask(within(20, calls(1))), want: "1 refused 100 by a, left 50", more: extra{spares: spares(50)}},
		{at: 0, lane: "x", on: "a", asks: ask(costing(1, calls(1))), want: "1 reserved 50, left 50", more: extra{spares: []bucket.Spare{{Due: 50, Cost: []int64{2}}}}},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 70, left 50", more: extra{lead: 60, spares: spares(50, 70)}},
		{at: 300, lane: "x", on: "a", asks: ask(calls(2)), want: "1 reserved 0, 1 reserved 50", more: extra{spares: spares(50)}},
		{at: 1000, lane: "x", on: "a", asks: ask(calls(3)), want: "1 reserved 0, 1 reserved 50, 1 reserved 100 by a", more: extra{spares: spares(50)}},
	}},
	{name: "what is returned goes back", limits: map[string]bucket.Limit{"a": limit(10, 5)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(costing(5, calls(1))), want: "1 reserved 0"},
		{at: 0, lane: "y", on: "a", asks: ask(costing(2, calls(1))), want: "1 reserved 200 by a"},
		{at: 10, lane: "y", on: "a", asks: ask(calls(1)), want: "1 reserved 90 by a", more: extra{spares: fresh(2, 190)}},
		{at: 20, lane: "y", on: "a", asks: ask(calls(1)), want: "1 reserved 180 by a"},
		{at: 20, lane: "y", on: "a", asks: ask(within(100, calls(1))), want: "1 refused 280 by a, left 180", more: extra{spares: []bucket.Spare{{Due: 180, Cost: []int64{1}}}}},
	}},
	{name: "less what may count on it", limits: map[string]bucket.Limit{"a": limit(10, 5)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(costing(5, calls(1))), want: "1 reserved 0"},
		{at: 0, lane: "y", on: "a", asks: ask(calls(2)), want: "2 reserved 100 by a"},
		{at: 0, lane: "y", on: "a", asks: ask(within(50, calls(1))), want: "1 refused 300 by a, left 100", more: extra{spares: fresh(1, 100)}},
		{at: 100, lane: "y", on: "a", asks: ask(costing(2, calls(1))), want: "1 waits 300 by a, back 200"},
		{at: 200, lane: "y", on: "a", asks: ask(costing(2, calls(1)), calls(1)), want: "1 reserved 200 by a, 1 waits 300 by a, back 200"},
		{at: 300, lane: "y", on: "a", asks: ask(calls(1)), want: "1 reserved 200 by a"},
		{at: 300, lane: "y", on: "a", asks: ask(calls(1)), want: "1 reserved 200 by a", more: extra{spares: fresh(2, 100)}},
	}},
	{name: "neither a window nor a pause takes any back", limits: map[string]bucket.Limit{"w": window(2, 200*time.Millisecond), "a": limit(10, 5)}, rows: []row{
		{at: 0, lane: "x", on: "w", asks: ask(calls(3)), want: "2 reserved 0, 1 reserved 200 by w"},
		{at: 0, lane: "x", on: "w", want: "left 200", more: extra{spares: fresh(1, 200)}},
		{at: 0, lane: "x", on: "a", asks: ask(costing(5, calls(1)), calls(1)), want: "1 reserved 0, 1 reserved 100 by a"},
		{at: 0, lane: "x", on: "a", want: "left 100", more: extra{opens: 200, spares: fresh(1, 100)}},
	}},
	{name: "lead", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(2)), want: "1 reserved 30, 1 reserved 130 by a", more: extra{lead: 30}},
	}},
	{name: "of equal needs the shared limit binds", limits: map[string]bucket.Limit{"a": limit(10, 1), "s": limit(10, 1)}, rows: []row{
		{at: 0, lane: "x", on: "a s", asks: ask(calls(1)), want: "1 reserved 0"},
		{at: 0, lane: "x", on: "a s", asks: ask(calls(1)), want: "1 reserved 100 by s"},
	}},
	{name: "tokens that somebody seeks", limits: map[string]bucket.Limit{"a": limit(10, 1), "b": limit(10000, 100), "s": limit(1000, 1)}, rows: []row{
		{at: 0, lane: "x", on: "a s", asks: ask(calls(3)), want: "1 reserved 0, 1 reserved 100 by a, 1 waits 200 by a, back 100"},
		{at: 200, lane: "y", on: "b s", asks: ask(calls(1), calls(1)), want: "1 reserved 0, 1 reserved 1 by s"},
		{at: 210, lane: "x", on: "a s", asks: ask(calls(2)), want: "1 reserved 0, 1 waits 100 by a, back 99"},
		{at: 1211, lane: "x", on: "a s", asks: ask(calls(2)), want: "1 reserved 0, 1 reserved 100 by a"},
	}},
	{name: "a quarter of the burst is spare", limits: map[string]bucket.Limit{"a": limit(200, 1), "c": limit(80, 1), "b": limit(10000, 100), "s": limit(1000, 41)}, rows: []row{
		{at: 0, lane: "y", on: "b s", asks: ask(calls(41), calls(1)), want: "41 reserved 0, 1 reserved 1 by s"},
		{at: 100, lane: "x", on: "a s", asks: ask(calls(2)), want: "1 reserved 0, 1 reserved 5 by a"},
		{at: 100, lane: "z", on: "c s", asks: ask(calls(2)), want: "1 reserved 0, 1 waits 12.5 by c, back 8.5"},
	}},
	{name: "spare is less than the horizon", limits: map[string]bucket.Limit{"a": limit(4, 1), "b": limit(100, 100), "s": limit(5, 1)}, rows: []row{
		{at: 0, lane: "y", on: "b s", asks: ask(calls(1), calls(1)), want: "1 reserved 0, 1 reserved 200 by s"},
		{at: 300, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0"},
		{at: 400, lane: "x", on: "a s", asks: ask(calls(1)), want: "1 waits 150 by a, back 110"},
	}},
	{name: "limits of one bucket", limits: map[string]bucket.Limit{"a": limit(5, 1), "a2": limit(1000, 1)}, rows: []row{
		{at: 0, lane: "x", on: "a a2", asks: ask(calls(1), calls(1)), want: "1 reserved 0, 1 reserved 200 by a"},
	}},
	{name: "a pause", limits: map[string]bucket.Limit{"a": limit(10, 5), "w": window(5, time.Second)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 150 by a", more: extra{opens: 50}},
		{at: 10, lane: "x", on: "a", asks: ask(within(0, calls(5))), want: "5 refused 240 by a"},
		{at: 2000, lane: "x", on: "a", asks: ask(within(0, calls(1))), want: "1 refused 200 by a", more: extra{opens: 2100}},
		{at: 2010, lane: "x", on: "a", asks: ask(calls(5)), want: "5 reserved 0"},
		{at: 0, lane: "x", on: "w", asks: ask(calls(5)), want: "5 reserved 50 by w", more: extra{opens: 50}},
	}},
	{name: "another limit", limits: map[string]bucket.Limit{"a": limit(10, 5), "b": limit(10, 5)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(7)), want: "5 reserved 0, 2 reserved 100 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 210 by a", more: extra{limits: map[string]bucket.Limit{"a": limit(100, 5)}}},
		{at: 0, lane: "x", on: "b", asks: ask(calls(3)), want: "3 reserved 0"},
		{at: 0, lane: "x", on: "b", asks: ask(calls(4)), want: "2 reserved 0, 2 reserved 100 by b", more: extra{limits: map[string]bucket.Limit{"b": limit(10, 8)}}},
		{at: 1000, lane: "x", on: "b", asks: ask(calls(9)), want: "8 reserved 0, 1 reserved 50 by b", more: extra{limits: map[string]bucket.Limit{"b": limit(20, 8)}}},
	}},
	{name: "rounding never adds up", limits: map[string]bucket.Limit{"a": limit(3_000_000, 1)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0.001 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0.001 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0.001 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 0.002 by a"},
	}},
	{name: "a window", limits: map[string]bucket.Limit{"w": window(3, 200*time.Millisecond)}, rows: []row{
		{at: 0, lane: "x", on: "w", asks: ask(calls(1)), want: "1 reserved 0"},
		{at: 50, lane: "x", on: "w", asks: ask(calls(3)), want: "2 reserved 0, 1 reserved 150 by w"},
		{at: 60, lane: "x", on: "w", asks: ask(calls(5)), want: "2 reserved 190 by w, 3 waits 340 by w, back 265"},
	}},
	{name: "a window keeps the order of its starts", limits: map[string]bucket.Limit{"a": limit(10, 1), "w": window(3, 200*time.Millisecond)}, rows: []row{
		{at: 0, lane: "x", on: "a w", asks: ask(calls(1), calls(1)), want: "1 reserved 0, 1 reserved 100 by a"},
		{at: 0, lane: "y", on: "w", asks: ask(calls(1)), want: "1 reserved 100 by w"},
	}},
	{name: "an urgent place stays one", limits: map[string]bucket.Limit{"a": limit(10, 2)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(9)), want: "2 reserved 0, 2 reserved 100 by a, 5 waits 300 by a, back 200"},
		{at: 0, lane: "u", on: "a", asks: ask(urgent(calls(1))), want: "1 waits 300 by a, back 200"},
		{at: 60, lane: "v", on: "a", asks: ask(urgent(calls(1))), want: "1 reserved 240 by a"},
		{at: 61, lane: "u", on: "a", asks: ask(urgent(aged(61, calls(1)))), want: "1 waits 839 by a, back 239"},
		{at: 62, lane: "y", on: "a", asks: ask(aged(1000, calls(1))), want: "1 waits 438 by a, back 338"},
	}},
	{name: "urgent calls", limits: map[string]bucket.Limit{"a": limit(100, 4)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(60)), want: "4 reserved 0, 25 reserved 10 by a, 31 waits 260 by a, back 185"},
		{at: 0, lane: "u", on: "a", asks: ask(urgent(calls(1))), want: "1 waits 260 by a, back 185"},
		{at: 0, lane: "y", on: "a", asks: ask(aged(1000, calls(1))), want: "1 waits 270 by a, back 195"},
		{at: 100, lane: "u", on: "a", asks: ask(urgent(calls(20))), want: "6 reserved 160 by a, 14 waits 540 by a, back 405"},
		{at: 101, lane: "u", on: "a", asks: ask(urgent(calls(1))), want: "1 waits 539 by a, back 404"},
	}},
	{name: "told by whole lanes", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(20)), want: "1 reserved 0, 2 reserved 100 by a, 17 waits 300 by a, back 200"},
		{at: 1, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 1999 by a, back 399"},
		{at: 2, lane: "z", on: "a", asks: ask(aged(900, calls(1))), want: "1 waits 298 by a, back 198"},
	}},
	{name: "a place in line", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(5)), want: "1 reserved 0, 2 reserved 100 by a, 2 waits 300 by a, back 200"},
		{at: 10, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 490 by a, back 390"},
		{at: 20, lane: "x", on: "a", asks: ask(aged(20, calls(3))), want: "3 waits 380 by a, back 180"},
		{at: 30, lane: "y", on: "a", asks: ask(aged(20, calls(1))), want: "1 waits 570 by a, back 370"},
		{at: 40, lane: "x", on: "a", asks: ask(aged(40, calls(1))), want: "1 waits 360 by a, back 160"},
		{at: 50, lane: "y", on: "a", asks: ask(aged(40, calls(1))), want: "1 waits 350 by a, back 250"},
		{at: 210, lane: "x", on: "a", asks: ask(aged(210, calls(2))), want: "2 reserved 90 by a"},
	}},
	{name: "a place in line ends with its callers", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(5)), want: "1 reserved 0, 2 reserved 100 by a, 2 waits 300 by a, back 200"},
		{at: 10, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 490 by a, back 390"},
		{at: 20, lane: "x", on: "a", asks: ask(calls(1)), want: "1 waits 380 by a, back 180"},
		{at: 41, lane: "x", on: "a", asks: ask(calls(1)), want: "1 waits 359 by a, back 159"},
		{at: 50, lane: "y", on: "a", asks: ask(aged(40, calls(1))), want: "1 reserved 250 by a"},
	}},
	{name: "a place of which nothing was used grows", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(4)), want: "1 reserved 0, 2 reserved 100 by a, 1 waits 300 by a, back 200"},
		{at: 10, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 390 by a, back 290"},
		{at: 20, lane: "x", on: "a", asks: ask(aged(20, calls(1)), aged(0, calls(2))), want: "1 waits 380 by a, 2 waits 480 by a, back 180"},
		{at: 30, lane: "y", on: "a", asks: ask(aged(20, calls(1))), want: "1 waits 570 by a, back 370"},
		{at: 200, lane: "x", on: "a", asks: ask(aged(200, calls(1)), aged(180, calls(2))), want: "1 reserved 100 by a, 1 reserved 200 by a, 1 waits 400 by a, back 300"},
	}},
	{name: "the young do not claim with the old", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(3)), want: "1 reserved 0, 2 reserved 100 by a"},
		{at: 0, lane: "x", on: "a", asks: ask(aged(2000, calls(1)), calls(1)), want: "1 waits 300 by a, 1 waits 400 by a, back 200"},
		{at: 10, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 490 by a, back 290"},
	}},
	{name: "an entry claims for one call at least", limits: map[string]bucket.Limit{"a": limit(1, 5)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(costing(3, calls(2))), want: "1 reserved 0, 1 waits 1000 by a, back 900"},
		{at: 1, lane: "y", on: "a", asks: ask(calls(1)), want: "1 waits 1999 by a, back 1899"},
	}},
	{name: "a lane that is late", limits: map[string]bucket.Limit{"a": limit(10, 2)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(5)), want: "2 reserved 0, 2 reserved 100 by a, 1 waits 300 by a, back 200"},
		{at: 1, lane: "y", on: "a", asks: ask(costing(2, calls(1))), want: "1 waits 499 by a, back 399"},
		{at: 2, lane: "v", on: "a", asks: ask(costing(2, calls(1))), want: "1 waits 698 by a, back 598"},
		{at: 3, lane: "z", on: "a", asks: ask(calls(1)), want: "1 waits 797 by a, back 697"},
		{at: 319, lane: "z", on: "a", asks: ask(aged(316, calls(1))), want: "1 waits 481 by a, back 381"},
		{at: 321, lane: "z", on: "a", asks: ask(aged(318, calls(1))), want: "1 waits 379 by a, back 100"},
	}},
	{name: "an older lane removes nobody", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(4)), want: "1 reserved 0, 2 reserved 100 by a, 1 waits 300 by a, back 200"},
		{at: 330, lane: "y", on: "a", asks: ask(aged(500, calls(4))), want: "1 reserved 0, 2 reserved 100 by a, 1 waits 400 by a, back 200"},
	}},
	{name: "lost memory", lost: true, limits: map[string]bucket.Limit{"a": limit(10, 3), "w": window(3, time.Second)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 waits 350 by a, back 250"},
		{at: 200, lane: "x", on: "a", asks: ask(calls(3)), want: "2 reserved 150 by a, 1 waits 350 by a, back 250"},
		{at: 0, lane: "x", on: "w", asks: ask(calls(1)), want: "1 waits 1250 by w, back 1150"},
	}},
	{name: "emptied", limits: map[string]bucket.Limit{"a": limit(10, 3), "w": window(3, 200*time.Millisecond)}, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(1)), want: "1 reserved 150 by a", more: extra{empty: 50}},
		{at: 0, lane: "x", on: "w", asks: ask(calls(1)), want: "1 reserved 240 by w", more: extra{empty: 40}},
	}},
	{name: "nobody is older than a day", limits: one, rows: []row{
		{at: 0, lane: "x", on: "a", asks: ask(calls(3)), want: "1 reserved 0, 2 reserved 100 by a"},
		{at: 0, lane: "y", on: "a", asks: ask(aged(86_500_000, calls(1))), want: "1 waits 300 by a, back 200"},
		{at: 0, lane: "z", on: "a", asks: ask(aged(87_000_000, calls(1))), want: "1 waits 400 by a, back 300"},
	}},
}

// TestLongLine: one request counts and removes a bounded number of entries of the line.
func TestLongLine(t *testing.T) {
	b := bucket.New(limit(10, 1))
	serve := func(ms int64, lane string, a ...bucket.Ask) (reply bucket.Reply) {
		b.Enter(epoch+ms*1000, limit(10, 1), 0)
		bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &bucket.Request{Lane: lane, Now: epoch + ms*1000, Horizon: horizon, Asks: a}, &reply)
		return reply
	}
	serve(0, "first", calls(3))
	for i := range 100 {
		n := 1
		if i >= 20 && i < 30 {
			n = 2
		}
		serve(0, fmt.Sprint("lane ", i), aged(int64(10_000-100*i), calls(n)))
	}
	// The 16 oldest lanes claim 16 tokens, the other 84 claim 94. 24 of the 84 are older than the caller: 94·24/84 =
	// 26.
	reply := serve(0, "between", aged(10_000-4000+50, calls(1)))
	if got, want := reply.Answers[0].At.At, int64(300_000+(16+26)*100_000); got != want {
		t.Errorf("a caller behind 40 of 100 lanes: its turn is in %d µs, want %d", got, want)
	}
	serve(400, "last", calls(1))
	if got := b.State().Lanes; got != 101-64+1 {
		t.Errorf("%d lanes are in line, want 38: 101, less the 64 that one request removes, and its own", got)
	}
}

// TestIdle: a bucket is idle, and may be forgotten, once it has the state of a new one.
func TestIdle(t *testing.T) {
	for name, c := range map[string]struct {
		l    bucket.Limit
		asks []bucket.Ask
		ms   int64 // from when it is idle
	}{
		"it owes":              {limit(10, 2), ask(calls(3)), 300},
		"a lane waits":         {limit(10, 1), ask(calls(9)), -1},
		"its start counts":     {window(2, time.Second), ask(calls(1)), 1000},
		"nobody was there":     {limit(10, 2), nil, 0},
		"no start in a window": {window(2, time.Second), nil, 0},
	} {
		b := bucket.New(c.l)
		b.Enter(epoch, c.l, 0)
		var reply bucket.Reply
		bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &bucket.Request{Lane: "x", Now: epoch, Horizon: horizon, Asks: c.asks}, &reply)
		if c.ms < 0 {
			if b.Idle(epoch + 1000*second) {
				t.Errorf("%s: the bucket is idle too early", name)
			}
			continue
		}
		if c.ms > 0 && b.Idle(epoch+c.ms*1000-1) || !b.Idle(epoch+c.ms*1000) {
			t.Errorf("%s: the bucket is not idle at %d ms", name, c.ms)
		}
	}
}

// TestLogOfAWindow: the log of a window has one pair for all starts of one moment, and drops it after a width.
func TestLogOfAWindow(t *testing.T) {
	l := window(1000, time.Second)
	var b *bucket.Bucket
	var reply bucket.Reply
	q := bucket.Request{Lane: "x", Now: epoch, Horizon: horizon, Asks: ask(calls(2))}
	r := bucket.Route{Limits: make([]*bucket.Bucket, 1), Of: []int{0}}
	allocations := func(requests int) float64 {
		return testing.AllocsPerRun(5, func() {
			b = bucket.New(l)
			b.Enter(epoch, l, 0)
			r.Limits[0] = b
			for range requests {
				bucket.Decide(r, &q, &reply)
			}
		})
	}
	if one, many := allocations(1), allocations(100); many > one {
		t.Errorf("100 requests of one moment make %v allocations, one makes %v: want no more pairs in the log", many, one)
	}
	b.Enter(epoch+second, l, 0)
	if s := b.State(); s.Total != 200 || s.Base != 200 || s.Edge != epoch {
		t.Errorf("of %d starts %d no longer count, the last was at %d; want all of 200, at %d", s.Total, s.Base, s.Edge, epoch)
	}
}
