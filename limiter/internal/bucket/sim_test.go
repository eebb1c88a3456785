package bucket_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/table"
)

const (
	second  = int64(1_000_000)
	horizon = second / 4

	roundTrip = second / 1000
	recheck   = 5 * second
)

// simulation runs a row over the bare core. Its lanes send one request at a time, with the delays of a real client.
type simulation struct {
	table.Row

	rnd    *rand.Rand
	events events
	number int64
	limits []bucket.Limit
	core   []*bucket.Bucket
	lanes  []*simLane
	tasks  []table.Task
	calls  int64
	reply  bucket.Reply
	expect func(now int64, t table.Task, due int64) // is called with the expected start of each new caller; may be nil
}

// event is an action at a time, µs.
type event struct {
	at, number int64
	do         func(now int64)
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(e[i].at, e[j].at), cmp.Compare(e[i].number, e[j].number)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// simLane is a lane of the simulated client.
type simLane struct {
	number, route int
	queue         []waiting
	serial        int64
	asking        bool  // a request is scheduled
	last          int64 // due time of the latest reservation, µs
	gone          bool  // the replica is dead, or the callers have left
}

// waiting is a call in a lane.
type waiting struct {
	task int                      // index of its task
	next func() (table.Ask, bool) // returns the next call of its caller; nil for none
}

func us(d time.Duration) int64        { return d.Microseconds() }
func duration(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func (s *simulation) after(at int64, do func(now int64)) {
	s.number++
	heap.Push(&s.events, event{at, s.number, do})
}

// simulate runs a row from time 0, at which every limit is empty.
func simulate(r table.Row, expect func(now int64, t table.Task, due int64)) table.Log {
	s := &simulation{Row: r, rnd: rand.New(rand.NewPCG(r.Seed(), 1)), expect: expect}
	for _, l := range r.Limits {
		limit := per(l.Tokens, l.Per, l.Burst, l.Window)
		s.limits, s.core = append(s.limits, limit), append(s.core, bucket.New(limit))
	}
	for i, b := range s.core {
		b.Enter(epoch, s.limits[i], 0)
		q := bucket.Request{Lane: "drain", Now: epoch, Asks: []bucket.Ask{{N: 1, Cost: []int64{s.limits[i].Burst}, Patience: -1}}}
		bucket.Decide(bucket.Route{Limits: s.core[i : i+1], Of: []int{0}}, &q, &s.reply)
	}
	defer s.begin()()
	for len(s.events) > 0 && s.events[0].at <= us(r.Length) {
		e := heap.Pop(&s.events).(event)
		e.do(e.at)
	}
	return table.Log{Tasks: s.tasks, Calls: s.calls, End: r.Length}
}

// epoch is time 0 of a row on the clock of the core. It is so large that no limit seems to have been used recently.
const epoch = 1_000_000_000 * second

// begin schedules the first call of each caller. It returns a function that ends their sequences.
func (s *simulation) begin() (end func()) {
	var stops []func()
	for i, l := range s.Lanes {
		s.lanes = append(s.lanes, &simLane{number: i, route: l.Route})
		if s.Arrivals.Open() {
			continue
		}
		for k := range l.Waiters {
			next, stop := iter.Pull(s.Caller(i, k))
			stops = append(stops, stop)
			s.again(0, next)
		}
	}
	if s.Arrivals.Open() {
		next, stop := iter.Pull(s.Calls())
		stops = append(stops, stop)
		s.arrivals(0, next)
	}
	if s.Leaving > 0 {
		s.after(us(s.Half), s.leave)
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// again schedules the next call of a caller.
func (s *simulation) again(now int64, next func() (table.Ask, bool)) {
	if next == nil {
		return
	}
	if ask, ok := next(); ok {
		s.after(now+us(ask.Think), func(now int64) { s.arrive(now, ask, next) })
	}
}

// arrivals schedules the calls of an open row.
func (s *simulation) arrivals(now int64, next func() (table.Ask, bool)) {
	ask, ok := next()
	if !ok {
		return
	}
	s.after(now+us(ask.Think), func(now int64) {
		s.arrive(now, ask, nil)
		s.arrivals(now, next)
	})
}

func (s *simulation) arrive(now int64, ask table.Ask, next func() (table.Ask, bool)) {
	n := s.lanes[ask.Lane]
	if n.gone {
		return
	}
	t := table.Task{
		Lane: ask.Lane, Route: n.route, Cost: ask.Cost, Arrived: duration(now), Started: table.Never, Gone: table.Never,
	}
	s.tasks = append(s.tasks, t)
	w := waiting{len(s.tasks) - 1, next}
	n.queue = append(n.queue, w)
	if ask.Patience != table.Never {
		s.after(now+us(ask.Patience), func(now int64) { s.giveUp(now, n, w) })
	}
	if !n.asking {
		// Like the limiter: while every reservation is promised to a caller, further callers gather until just before
		// the last one is due.
		s.ask(max(now+roundTrip, n.last-roundTrip), n)
	}
}

func (s *simulation) giveUp(now int64, n *simLane, w waiting) {
	i := slices.IndexFunc(n.queue, func(o waiting) bool { return o.task == w.task })
	if i < 0 || n.gone {
		return
	}
	n.queue = slices.Delete(n.queue, i, i+1)
	s.tasks[w.task].Gone = duration(now)
	s.again(now, w.next)
	if len(n.queue) == 0 {
		s.request(now, n) // the last caller has left: the request gives up the place in line
	}
}

// leave ends some replicas, or makes their callers leave.
func (s *simulation) leave(now int64) {
	for i, n := range s.lanes {
		if !s.Leaves(i) {
			continue
		}
		for _, w := range n.queue {
			s.tasks[w.task].Gone = duration(now)
		}
		n.gone, n.queue = true, nil
		if s.Callers != table.Die {
			s.request(now, n)
		}
	}
}

func (s *simulation) ask(at int64, n *simLane) {
	n.serial++
	n.asking = true
	mine := n.serial
	s.after(at, func(now int64) {
		if n.serial != mine {
			return
		}
		if s.Callers == table.Late && s.rnd.IntN(5) == 0 {
			s.ask(now+s.rnd.Int64N(us(s.LateBy())), n)
			return
		}
		n.asking = false
		if len(n.queue) > 0 {
			s.request(now, n)
		}
	})
}

// request is one call to the core.
func (s *simulation) request(now int64, n *simLane) {
	s.calls++
	q := bucket.Request{Lane: fmt.Sprint(n.number), Now: epoch + now, Horizon: horizon}
	asked := n.queue[:min(256, len(n.queue))]
	for _, w := range asked {
		t := &s.tasks[w.task]
		age := now - us(t.Arrived)
		if k := len(q.Asks) - 1; k >= 0 && q.Asks[k].Cost[0] == t.Cost && q.Asks[k].Age-age <= alikeAge(k, age) {
			q.Asks[k].N++
		} else {
			q.Asks = append(q.Asks, bucket.Ask{N: 1, Cost: []int64{t.Cost}, Age: age, Patience: -1})
		}
	}
	var r bucket.Route
	for i, k := range s.Routes[n.route].Limits {
		s.core[k].Enter(epoch+now, s.limits[k], 0)
		r.Limits, r.Of = append(r.Limits, s.core[k]), append(r.Of, i)
	}
	bucket.Decide(r, &q, &s.reply)
	at := 0
	for _, a := range s.reply.Answers {
		for k := range a.N {
			w := asked[at]
			at++
			t := &s.tasks[w.task]
			var l bucket.Limit
			if a.Bound >= 0 {
				l = r.Limits[a.Bound].Limit
			}
			due := now + a.Due(k, l, t.Cost)
			if a.Verdict != bucket.Reserved {
				if s.expect != nil {
					s.expect(now, *t, due)
				}
				continue
			}
			n.last = max(n.last, due)
			// The reservation belongs to the lane: if its caller leaves before it is due, another caller gets it.
			t.Started = duration(due)
			s.again(due, w.next)
		}
	}
	n.queue = slices.DeleteFunc(n.queue, func(w waiting) bool { return s.tasks[w.task].Started != table.Never })
	switch back := max(s.reply.ComeBack, 1000); {
	case s.reply.ComeBack >= 0:
		if spread := min(5000, (back-1000)/8); spread > 0 {
			back += s.rnd.Int64N(spread)
		}
		s.ask(now+min(back, recheck), n)
	case len(n.queue) > 0:
		s.ask(now, n)
	default:
		n.serial++
		n.asking = false
	}
}

// alikeAge returns the largest difference in age of the callers of one run, as in the limiter.
func alikeAge(run int, age int64) int64 {
	if run < 16 {
		return 2000
	}
	return max(30_000, age/16)
}

// limit returns a bucket of so many tokens a second.
func limit(tokens, burst int64) bucket.Limit { return per(tokens, time.Second, burst, false) }

func per(tokens int64, d time.Duration, burst int64, window bool) bucket.Limit {
	a, b := tokens, d.Microseconds()
	for b != 0 {
		a, b = b, a%b
	}
	return bucket.Limit{Tokens: tokens / a, Per: d.Microseconds() / a, Burst: burst, Window: window}
}
