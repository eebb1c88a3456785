package bucket

import (
	"math"
	"slices"
	"time"
)

// Route is the limits that one kind of call must pass, narrowest first, the shared one last. Of is the bucket of each
// limit, as a number: limits of one bucket have the same number.
type Route struct {
	Limits []*Bucket
	Of     []int
}

// Ask is a run of equal waiting calls.
type Ask struct {
	N        int
	Cost     []int64 // tokens of each limit, 0..burst, not all 0; one number is the cost of every limit. A call does not pass a limit of cost 0
	Age      int64   // µs for which the oldest of the run has waited
	Patience int64   // µs, the longest wait from now; negative waits without end
	Urgent   bool    // passes the lines, within half of each rate
}

func (a *Ask) cost(i int) int64 {
	if len(a.Cost) == 1 {
		return a.Cost[0]
	}
	return a.Cost[i]
}

// Request is the request of a lane at one time.
type Request struct {
	Lane         string
	Now, Horizon int64   // µs
	Lead         int64   // µs: nothing is due sooner than this from now; 0..Horizon
	Asks         []Ask   // oldest first
	Spares       []Spare // by due time
	Settled      []Settled
	Hold         Hold
	Taught       []Taught
}

// Settled is a call with known costs, for each limit.
type Settled struct {
	Since             []int64 // µs: when the provider began to count the real cost; the time of the reservation or earlier is always right
	Estimated, Actual []int64
}

// Verdict is the result of calls.
type Verdict int

// The verdicts.
const (
	Reserved Verdict = 1 // the calls may start when they are due
	Refused  Verdict = 2 // the calls could start at the given time, after their patience; nothing was taken
	Waiting  Verdict = 3 // the calls are expected to start at the given time
)

// Answer is the result of N calls of one ask, whose times are an arithmetic progression.
type Answer struct {
	N       int
	Verdict Verdict
	At      Moment // of the first, from now; if no limit sets it, Frac is 1 for a reservation that was returned, otherwise 0
	Bound   int    // the limit that sets the times; -1 for none
	Price   int64  // units of 1/tokens µs that each further token of that limit takes; 0 for as configured
}

// Step returns the time between two calls of an answer, in units of 1/tokens µs of the limit that binds.
func (a Answer) Step(l Limit, cost int64) int64 {
	if a.Verdict == Reserved && l.Window {
		return 0 // a window gives all these tokens at one moment
	}
	if a.Price > 0 {
		return cost * a.Price
	}
	return cost * l.Per
}

// Interval returns the time of one token of the limit that binds, by the price of the answer.
func (a Answer) Interval(l Limit) time.Duration {
	if a.Price > 0 {
		l.Per = a.Price
	}
	return l.Interval(1)
}

// step is [Answer.Step] for an answer that the bucket sets.
func (b *Bucket) step(v Verdict, cost int64) int64 {
	return Answer{Verdict: v, Price: b.priceOf(v)}.Step(b.Limit, cost)
}

// priceOf is [Answer.Price] for an answer that the bucket sets.
func (b *Bucket) priceOf(v Verdict) int64 {
	price := b.price
	if v == Waiting {
		price = b.hope
	}
	if b.Window || price == b.Per {
		return 0
	}
	return price
}

// Due returns the time of the k-th call of an answer, k from 0, in µs from now. l is the limit that binds, cost its
// cost.
func (a Answer) Due(k int, l Limit, cost int64) int64 {
	if a.Bound < 0 {
		return a.At.At
	}
	return l.after(a.At, int64(k)*a.Step(l, cost)).Ceil()
}

// Reply is the answers to the asks, in order. A reused reply keeps its memory.
type Reply struct {
	Answers  []Answer
	ComeBack int64   // µs from now, when the lane should ask again; -1 if nobody waits
	Left     []Spare // the returned reservations that nobody took

	at    []step
	lines []progress
	runs  []run
}

// decision is a request that is being decided.
type decision struct {
	Route
	*Request
	*Reply

	from    int64 // nothing is due before
	held    int   // the limit at which the lane had an entry, -1 for none
	heldKey int64
	left    int64 // tokens that the former entry still claims
	used    bool  // something was reserved

	waits  bool // one ask waits: all asks behind it wait, too
	bound  int  // the limit at whose line the lane waits
	need   int64
	before int64 // tokens for which the lane waits, counted so far

	late bool // some older lanes are late

	of   int    // the ask of the last answer
	next Moment // where that answer would continue
}

// run is waiting calls, in tokens of the limit that binds.
type run struct{ since, n, cost int64 }

// Decide serves a request. The caller has entered the limits at the request's time.
func Decide(r Route, q *Request, reply *Reply) {
	reply.Answers, reply.ComeBack, reply.Left, reply.runs = reply.Answers[:0], -1, q.Spares, reply.runs[:0]
	reply.at, reply.lines = slices.Grow(reply.at[:0], len(r.Limits))[:len(r.Limits)], slices.Grow(reply.lines[:0], len(r.Limits))[:len(r.Limits)]
	d := decision{Route: r, Request: q, Reply: reply, from: q.Now + q.Lead, held: -1, of: -1}
	for i, b := range r.Limits {
		b.urgent = min(b.urgent, q.Now+q.Horizon+b.share()+int64(math.Ceil(b.time(2*b.Burst)))) // a higher value belongs to another limit
		if e, ok := b.line.withdraw(q.Lane); ok {
			d.held, d.heldKey, d.left = i, e.key, e.tokens
		}
	}
	for i, b := range r.Limits {
		if len(q.Asks) > 0 && len(b.line.entries) > 0 {
			d.late = b.dropLate(q.Now, d.key(i, &q.Asks[0]), q.Lane) || d.late
		}
	}
	d.giveBack()
	for _, s := range q.Settled {
		for i, b := range r.Limits {
			b.settle(s.Since[i], s.Estimated[i], s.Actual[i])
		}
	}
	if h := q.Hold; h.For > 0 {
		for i, b := range r.Limits {
			if r.Of[i] == r.Of[h.Limit] {
				b.hold(q.Now + h.For)
			}
		}
	}
	for i := range q.Taught {
		r.Limits[q.Taught[i].Limit].learn(&q.Taught[i], q.Horizon)
	}
	for i := range q.Asks {
		d.serve(i, &q.Asks[i])
	}
	if d.waits {
		d.lineUp()
	}
}

// serve answers one ask.
func (d *decision) serve(number int, a *Ask) {
	for n := int64(a.N); n > 0; {
		if d.waits {
			n -= d.wait(number, a, n)
			continue
		}
		d.look(a)
		due, bound, exactly := d.joint()
		fits := d.fits(due, bound)
		by := d.Now + d.Horizon
		if fits {
			by = due
		}
		if a.Patience >= 0 {
			by = min(by, d.Now+a.Patience)
		}
		if k := d.spare(by, a); k >= 0 {
			d.answer(number, Answer{N: 1, Verdict: Reserved, At: Moment{d.Left[k].Due, 1}, Bound: -1}, a)
			d.split(k, a)
			d.use(1)
			n--
			continue
		}
		if !fits {
			d.waits, d.bound, d.need = true, bound, due
			continue
		}
		if a.Patience >= 0 && due > d.Now+a.Patience {
			d.answer(number, Answer{N: int(n), Verdict: Refused, At: exactly, Bound: bound}, a)
			return
		}
		d.charge(due, due, 1, exactly, bound)
		d.answer(number, Answer{N: 1, Verdict: Reserved, At: exactly, Bound: bound}, a)
		n--
		if n == 0 {
			return
		}
		if m, first, last, exactly, bound := d.more(a, n, due); m > 0 {
			d.charge(first, last, m, exactly, bound)
			d.answer(number, Answer{N: int(m), Verdict: Reserved, At: exactly, Bound: bound}, a)
			n -= m
		}
	}
}

// wait answers calls behind one that waits. It returns for how many.
func (d *decision) wait(number int, a *Ask, n int64) int64 {
	b, cost := d.Limits[d.bound], a.cost(d.bound)
	b.priceFor(cost)
	since := d.since(a)
	ahead := d.at[d.bound].ahead
	if !d.at[d.bound].jump {
		ahead = b.tokensAhead(since, ahead, d.Horizon)
	}
	at := b.expected(ahead+d.before, cost, d.need)
	patient := n
	if a.Patience >= 0 {
		far := float64(d.Now+a.Patience-at.At) - float64(at.Frac)/float64(b.Tokens)
		patient = min(n, steps(far, float64(cost*b.hope)/float64(b.Tokens)))
	}
	if patient == 0 {
		d.answer(number, Answer{N: int(n), Verdict: Refused, At: at, Bound: d.bound}, a)
		d.waits = len(d.runs) > 0
		return n
	}
	d.answer(number, Answer{N: int(patient), Verdict: Waiting, At: at, Bound: d.bound}, a)
	d.runs = append(d.runs, run{since, patient, cost})
	d.before += patient * cost
	return patient
}

// expected returns when a call behind others is expected to start: not before the first of those that wait.
func (b *Bucket) expected(ahead, cost, first int64) Moment {
	at, _ := b.tokenAt(ahead, cost)
	if !b.Window && b.hope < b.price {
		at = b.slot(ahead, cost, b.hope)
		if at.Ceil() < first {
			at = Moment{At: first}
		}
	}
	return at
}

// answer adds an answer, or extends the last one if its progression continues.
func (d *decision) answer(number int, n Answer, a *Ask) {
	at := n.At
	if k := len(d.Answers) - 1; k >= 0 && d.of == number && d.Answers[k].Verdict == n.Verdict && d.Answers[k].Bound == n.Bound && d.next == at {
		d.Answers[k].N += n.N
	} else {
		n.At.At -= d.Now
		if n.Bound >= 0 {
			n.Price = d.Limits[n.Bound].priceOf(n.Verdict)
		}
		d.Answers = append(d.Answers, n)
	}
	d.of, d.next = number, at
	if n.Bound >= 0 {
		b := d.Limits[n.Bound]
		d.next = b.after(at, int64(n.N)*b.step(n.Verdict, a.cost(n.Bound)))
	}
}
