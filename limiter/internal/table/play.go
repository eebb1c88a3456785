package table

import (
	"container/heap"
	"iter"
	"time"
)

// event is the next call of a caller.
type event struct {
	at     time.Duration
	ask    Ask
	next   func() (Ask, bool) // nil in an open row: the caller has no further call
	caller int
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// Best plays a row against a limiter that serves as the ideal queue does: nothing is lost, and no task is overtaken.
// Replicas that die lose nothing either, and no request is late.
func Best(r Row) Log { return play(r, nil) }

// player plays a row against the ideal queue, unless a test changes serve.
type player struct {
	Row

	// serve starts one task, if one can start. The default is serve of the ideal queue.
	serve func(tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool

	todo   events
	of     []event // of each task
	tasks  []Task
	fates  []fate
	levels []*level
	queues [][]int
}

func play(r Row, spoil func(*player)) Log {
	p := &player{Row: r}
	p.serve = func(tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool {
		return serve(r, tasks, fates, levels, queues, now)
	}
	if spoil != nil {
		spoil(p)
	}
	p.run()
	return Log{Tasks: p.tasks, End: r.Length}
}

// run goes from event to event: calls arrive, callers give up, tasks start.
func (p *player) run() {
	defer p.begin()()
	for now := time.Duration(0); now <= p.Length; {
		for len(p.todo) > 0 && p.todo[0].at <= now {
			p.arrive(heap.Pop(&p.todo).(event))
		}
		var waiting []int
		for k, q := range p.queues {
			kept := q[:0:0]
			for _, i := range q {
				if p.tasks[i].Gone <= now {
					p.again(i, now)
				} else {
					kept = append(kept, i)
				}
			}
			p.queues[k], waiting = kept, append(waiting, kept...)
		}
		for p.serve(p.tasks, p.fates, p.levels, p.queues, now) {
		}
		for _, i := range waiting {
			if p.fates[i].at == now {
				p.tasks[i].Started, p.tasks[i].Gone = now, Never
				p.again(i, now)
			}
		}
		now = p.wake(now)
	}
}

// begin prepares the first call of each caller, and returns what ends their sequences.
func (p *player) begin() (end func()) {
	p.queues = make([][]int, len(p.Routes))
	for _, l := range p.Limits {
		p.levels = append(p.levels, newLevel(l))
	}
	if p.Arrivals.Open() {
		at := time.Duration(0)
		for ask := range p.Calls() {
			if at += ask.Think; at > p.Length {
				break
			}
			heap.Push(&p.todo, event{at: at, ask: ask, caller: ask.Lane})
		}
		return func() {}
	}
	var stops []func()
	caller := 0
	for lane, l := range p.Lanes {
		for i := range l.Waiters {
			next, stop := iter.Pull(p.Caller(lane, i))
			stops = append(stops, stop)
			ask, _ := next()
			heap.Push(&p.todo, event{ask.Think, ask, next, caller})
			caller++
		}
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// arrive puts a call into the queue of its route.
func (p *player) arrive(e event) {
	leaves := p.Leaving > 0 && p.Leaves(e.ask.Lane)
	if leaves && e.at >= p.Half {
		return
	}
	t := Task{Lane: e.ask.Lane, Route: p.Lanes[e.ask.Lane].Route, Caller: e.caller, Cost: e.ask.Cost, Arrived: e.at, Started: Never, Gone: Never}
	if e.ask.Patience != Never {
		t.Gone = e.at + e.ask.Patience
	}
	if leaves {
		t.Gone = min(t.Gone, p.Half)
	}
	p.queues[t.Route] = append(p.queues[t.Route], len(p.tasks))
	p.tasks, p.fates, p.of = append(p.tasks, t), append(p.fates, fate{Never, -1}), append(p.of, e)
}

// again prepares the next call of the caller of a task.
func (p *player) again(task int, at time.Duration) {
	e := p.of[task]
	if e.next == nil {
		return
	}
	e.ask, _ = e.next()
	e.at = at + e.ask.Think
	heap.Push(&p.todo, e)
}

// wake returns the time of the next event.
func (p *player) wake(now time.Duration) time.Duration {
	wake := Never
	if len(p.todo) > 0 {
		wake = max(p.todo[0].at, now)
	}
	for k, q := range p.queues {
		ready := time.Duration(0)
		for n, i := range q {
			wake = min(wake, p.tasks[i].Gone)
			if n == 0 {
				for _, l := range p.Routes[k].Limits {
					ready = max(ready, p.levels[l].ready(p.tasks[i].Cost))
				}
			}
		}
		if len(q) > 0 && ready > now {
			wake = min(wake, ready)
		}
	}
	return wake
}
