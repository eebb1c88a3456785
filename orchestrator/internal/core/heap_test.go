package core

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// item is a value of a heap. Items with equal keys are in no order.
type item struct {
	key   int
	place int32
}

func heapOfItems(compared *int) heap[item] {
	return heap[item]{place: func(v *item) *int32 { return &v.place }, before: func(a, b *item) bool {
		*compared++
		return a.key < b.key
	}}
}

// TestHeapAgainstASortedSlice: random items are put, moved and taken out.
func TestHeapAgainstASortedSlice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		compared := 0
		h := heapOfItems(&compared)
		var all []*item
		for _, op := range rapid.SliceOfN(rapid.IntRange(0, 1<<16), 50, 500).Draw(rt, "ops") {
			switch {
			case op%4 > 1 || len(all) == 0:
				v := &item{key: op / 4 % 50}
				all = append(all, v)
				h.put(v)
			case op%4 == 1:
				v := all[op/4%len(all)]
				v.key = op / 64 % 50
				h.keep(v, true)
			default:
				i := op / 4 % len(all)
				h.keep(all[i], false)
				h.remove(all[i]) // the second time changes nothing
				all = slices.Delete(all, i, i+1)
			}
			checkHeap(rt, &h, all)
		}
	})
}

func checkHeap(t *rapid.T, h *heap[item], all []*item) {
	s := &soundness{}
	whole(s, "of items", h)
	if s.wrong != nil {
		t.Fatal(s.wrong)
	}
	if len(h.all) != len(all) {
		t.Fatalf("%d items, want %d", len(h.all), len(all))
	}
	if len(all) == 0 {
		if h.first() != nil {
			t.Fatal("an empty heap has a first item")
		}
		return
	}
	if least := slices.MinFunc(all, func(a, b *item) int { return cmp.Compare(a.key, b.key) }); h.first().key != least.key {
		t.Fatalf("first is %d, want %d", h.first().key, least.key)
	}
}

// TestHeapComparesLogarithmically: no operation compares more than three times the depth of the heap.
func TestHeapComparesLogarithmically(t *testing.T) {
	const n = 1 << 15
	compared, most := 0, 0
	h := heapOfItems(&compared)
	all := make([]*item, n)
	measure := func(op func()) {
		compared = 0
		op()
		if compared > 3*bits.Len(uint(len(h.all)+1)) {
			t.Fatalf("%d comparisons in a heap of %d", compared, len(h.all))
		}
		most = max(most, compared)
	}
	for i := range all {
		all[i] = &item{key: i * 7919 % n}
		measure(func() { h.put(all[i]) })
	}
	for i, v := range all {
		v.key = (v.key + i*31) % n
		measure(func() { h.put(v) })
	}
	for _, v := range all[:n/2] {
		measure(func() { h.remove(v) })
	}
	for len(h.all) > 0 {
		measure(func() { h.remove(h.first()) })
	}
	t.Logf("at most %d comparisons in a heap of %d", most, n)
}

// TestHeapGivesBackThePlaceOfAPeak: a heap that was large and is small again uses little memory.
func TestHeapGivesBackThePlaceOfAPeak(t *testing.T) {
	compared := 0
	h := heapOfItems(&compared)
	for i := range 10_000 {
		h.put(&item{key: i})
	}
	for len(h.all) > 1 {
		h.remove(h.first())
	}
	if cap(h.all) > 128 {
		t.Errorf("a heap of 1 has place for %d", cap(h.all))
	}
}

// watch counts how often the heaps of a core compare.
func watch(c *Core, n *int) {
	count := func(h *heap[Task]) {
		before := h.before
		h.before = func(a, b *Task) bool { *n++; return before(a, b) }
	}
	count(&c.resting)
	count(&c.room.outside)
	count(&c.room.sheddable)
	for _, l := range c.lanes {
		count(&l.line.deadlines)
		for r := range l.queue.classes {
			class := &l.queue.classes[r]
			before := class.active.before
			class.active.before = func(a, b *flow) bool { *n++; return before(a, b) }
			for _, f := range class.flows {
				count(&f.back)
			}
		}
	}
}

// TestAnInputComparesLogarithmically: each time that the number of waiting tasks doubles, an input makes only a few comparisons more. Each
// task has a share of its own and a deadline. The test goes up to a thousand times as many tasks.
func TestAnInputComparesLogarithmically(t *testing.T) {
	for _, full := range []Full{Wait, Shed} {
		few, lots := mostCompared(t, 1<<6, full), mostCompared(t, 1<<16, full)
		t.Logf("an input compares %d times with 2^6 tasks, %d times with 2^16", few, lots)
		if perDouble := float64(lots-few) / 10; perDouble > 30 {
			t.Errorf("%.1f comparisons more each time that the tasks double", perDouble)
		}
	}
}

// mostCompared returns the greatest number of comparisons of one input, among all inputs of one task while so many others wait.
func mostCompared(t *testing.T, waiting int, full Full) (most int) {
	t.Helper()
	c := New(Config{Slots: 4, Ageing: Time(time.Minute), MaxPending: waiting, MaxWeight: math.MaxInt64, Full: full})
	now := Time(0)
	for i := range waiting {
		kind := &Kind{Share: fmt.Sprint(i % (waiting / 4)), Cost: one, Weight: 1, Attempts: 200}
		w := with{name: fmt.Sprint(i), kind: kind, rank: Background, deadline: 1_000_000 - i}
		put(t, c, now, fmt.Sprint("r", i%2), []with{w})
	}
	n := 0
	watch(c, &n)
	fx := &Effects{}
	input := func(in func()) {
		fx, n = &Effects{Worker: true}, 0
		now += Time(time.Microsecond)
		in()
		most = max(most, n)
	}
	input(func() { c.Tick(now, fx) })
	for i := range 200 {
		switch job := fx.Job; {
		case job.Ask.Lane != nil:
			a := &Answer{Again: now + 1}
			for range job.Ask.Runs[0].N * (i % 2) { // nothing every other time: what was asked for goes back to the queue
				a.Grants = append(a.Grants, Grant{Due: now, Cost: one, Reservation: i})
			}
			input(func() { c.Answer(now, fx, job.Ask.Lane, a) })
		case job.Start.Task != nil:
			input(func() {
				c.Finish(now, fx, job.Start.Task, Result{Err: errFailed, Again: true, Throttled: true, After: Time(i)})
			})
		default:
			now += Time(time.Millisecond)
			input(func() { c.Tick(now, fx) })
		}
		one := &Task{Kind: &Kind{Share: "one", Cost: one, Weight: 1}, Rank: Normal, Deadline: never - 1, Of: "one"}
		keep := fx
		input(func() { fx.Worker = false; _ = c.Arrive(now, fx, "r0", nil, []*Task{one}) })
		input(func() { fx.Worker = false; c.ArriveAgain(now, fx, one, Urgent) })
		input(func() { fx.Worker = false; c.Leave(now, fx, one, errGone) })
		fx = keep
	}
	if err := sound(c); err != nil {
		t.Fatal(err)
	}
	return most
}

// TestTheTimeOfATaskHardlyGrows with the number of waiting tasks. The test prints the times and checks none, because machines differ.
func TestTheTimeOfATaskHardlyGrows(t *testing.T) {
	for _, n := range []int{1_000, 10_000, 50_000} {
		c := coreOf(64)
		put(t, c, 0, "a", many("t", n, single, Normal))
		began := time.Now()
		runsAll(t, c, ok)
		t.Logf("%d tasks: %v each", n, time.Since(began)/time.Duration(n))
	}
}

// TestAnAttemptAllocatesLittle: the inputs of an attempt use the same memory again.
func TestAnAttemptAllocatesLittle(t *testing.T) {
	c := coreOf(1)
	put(t, c, 0, "a", many("t", 2_000, single, Normal))
	fx := &Effects{Worker: true}
	now := Time(0)
	c.Tick(now, fx)
	grants := make([]Grant, 1)
	a := &Answer{Grants: grants}
	got := testing.AllocsPerRun(1_000, func() {
		lane := fx.Job.Ask.Lane
		fx.Reset()
		fx.Worker = true
		grants[0] = Grant{Due: now, Cost: one, Reservation: a}
		c.Answer(now, fx, lane, a)
		task := fx.Job.Start.Task
		fx.Reset()
		fx.Worker = true
		now++
		c.Finish(now, fx, task, Result{})
	})
	if got > 1 {
		t.Errorf("%.1f allocations for each attempt", got)
	}
	t.Logf("%.1f allocations for each attempt", got)
}
