package limiter_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/table"
)

// world is a limiter, or a fleet of limiters, for one row.
type world struct {
	wait  func(ctx context.Context, lane int, cost int64) error
	drain func(ctx context.Context, bucket string, tokens int64) error
	calls func() int64
	fill  time.Duration     // after this, every limit is full
	begin func()            // is called when the row begins; may be nil
	kill  func(replica int) // cuts a replica off permanently; nil if replicas cannot die
	end   func()            // closes the limiters, while their Redis still runs
}

// laneName is the route of a lane, and bucketName the bucket of a limit.
func laneName(lane int) string    { return fmt.Sprintf("lane-%d", lane) }
func bucketName(limit int) string { return fmt.Sprintf("window:limit:%%%d", limit) } // any word may be in a name

// configOf returns the limits of a row, and a route for each of its lanes that belongs to a replica, or for all of them if
// replica is -1.
func configOf(r table.Row, replica int) limiter.Config {
	cfg := limiter.Config{Buckets: map[string][]limiter.Limit{}, Routes: map[string][]string{}, CallTimeout: 2 * time.Second}
	for i, l := range r.Limits {
		cfg.Buckets[bucketName(i)] = []limiter.Limit{{Tokens: l.Tokens, Per: l.Per, Burst: l.Burst, Window: l.Window}}
	}
	for i, l := range r.Lanes {
		if replica >= 0 && l.Replica != replica {
			continue
		}
		var path []string
		for _, limit := range r.Routes[l.Route].Limits {
			path = append(path, bucketName(limit))
		}
		cfg.Routes[laneName(i)] = path
	}
	return cfg
}

// play runs a row and returns its log. First it empties all limits, at one moment.
func play(t *testing.T, r table.Row, w world) table.Log {
	sleep(t.Context(), w.fill)
	var drains sync.WaitGroup
	for i, l := range r.Limits {
		drains.Go(func() {
			if err := w.drain(t.Context(), bucketName(i), l.Burst); err != nil {
				t.Errorf("emptying %v: %v", l, err)
			}
		})
	}
	drains.Wait()
	if w.begin != nil {
		w.begin()
	}
	p := &playing{Row: r, world: w, zero: time.Now()}
	calls := w.calls()
	// Not a deadline: the limiter would refuse calls because of it.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leave, gone := context.WithCancel(ctx)
	defer gone()
	if r.Leaving > 0 {
		p.running.Go(func() {
			sleep(ctx, r.Half)
			if r.Callers == table.Die {
				for replica := range r.Leaving {
					w.kill(replica)
				}
			}
			gone()
		})
	}
	of := func(lane int) context.Context {
		if r.Leaving > 0 && r.Leaves(lane) {
			return leave
		}
		return ctx
	}
	if r.Arrivals.Open() {
		p.running.Go(func() { p.open(ctx, of) })
	} else {
		for lane, l := range r.Lanes {
			for number := range l.Waiters {
				id := p.callers
				p.callers++
				p.running.Go(func() { p.caller(of(lane), id, r.Caller(lane, number)) })
			}
		}
	}
	sleep(ctx, r.Length)
	calls = w.calls() - calls
	cancel()
	p.running.Wait()
	return table.Log{Tasks: p.tasks, Calls: calls, End: r.Length}
}

// playing is the state of a running row.
type playing struct {
	table.Row
	world

	zero    time.Time
	callers int
	running sync.WaitGroup

	mu    sync.Mutex
	tasks []table.Task
}

// caller makes the calls of one caller.
func (p *playing) caller(ctx context.Context, id int, asks iter.Seq[table.Ask]) {
	for ask := range asks {
		if !sleep(ctx, ask.Think) {
			return
		}
		p.ask(ctx, id, ask)
	}
}

// open makes the calls of an open row, each in its own goroutine.
func (p *playing) open(ctx context.Context, of func(lane int) context.Context) {
	at := time.Duration(0)
	for ask := range p.Calls() { //nolint:contextcheck // a sequence of the row, which has no context
		at += ask.Think
		if !sleep(ctx, at-time.Since(p.zero)) {
			return
		}
		lane := of(ask.Lane)
		p.running.Go(func() { p.ask(lane, ask.Lane, ask) })
	}
}

// ask makes one call and records it.
func (p *playing) ask(ctx context.Context, id int, ask table.Ask) {
	t := table.Task{Lane: ask.Lane, Route: p.Lanes[ask.Lane].Route, Caller: id, Cost: ask.Cost, Started: table.Never, Gone: table.Never}
	if ask.Patience != table.Never {
		patient, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(ask.Patience, cancel)
		defer cancel()
		defer timer.Stop()
		ctx = patient
	}
	t.Arrived = time.Since(p.zero)
	err := p.wait(ctx, ask.Lane, ask.Cost)
	switch now := time.Since(p.zero); {
	case err == nil:
		t.Started = now
	case now < p.Length:
		t.Gone = now
		if ctx.Err() == nil { // an error of the limiter: do not ask again at once
			sleep(ctx, 100*time.Millisecond)
		}
	}
	p.mu.Lock()
	p.tasks = append(p.tasks, t)
	p.mu.Unlock()
}

// sleep waits, and reports whether the context has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// memoryWorld returns a world of one limiter in memory. It has a route for each lane of each replica, over the same
// buckets, because a process has one lane for each route.
func memoryWorld(t *testing.T, r table.Row) world {
	l, err := limiter.NewMemory(configOf(r, -1))
	if err != nil {
		t.Fatal(err)
	}
	return world{
		wait:  func(ctx context.Context, lane int, cost int64) error { return l.WaitN(ctx, laneName(lane), cost) },
		drain: func(ctx context.Context, bucket string, tokens int64) error { return l.WaitN(ctx, bucket, tokens) },
		calls: l.StoreCalls,
		end:   func() { closeLimiter(t, l) },
	}
}

// TestConserves runs the table of worlds over the limiter in memory, in virtual time. No token is lost while a caller
// waits, no caller overtakes another, and the starts exceed no limit.
func TestConserves(t *testing.T) {
	n := 60
	if raceDetector {
		n = 10 // the race detector finds as much in few rows
	}
	if *full {
		n = 500
	}
	// In memory no replica dies and no request is late. Lanes that wait for days ask every five seconds, so such rows
	// would take long.
	rows, share := table.Pairwise(n, func(r table.Row) bool {
		return r.Callers != table.Die && r.Callers != table.Late && (*full || len(r.Lanes)*int(r.Length/(5*time.Second)) < 5_000)
	})
	t.Logf("%d rows, %.1f %% of the pairs", len(rows), 100*share)
	if !raceDetector {
		rows = append(rows, table.Named()...)
	}
	red := openRed(t, "memory")
	for _, r := range rows {
		if r.Callers == table.Die || r.Callers == table.Late {
			continue
		}
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tolerance := virtual(r)
				red.judge(t, r, &tolerance, func() table.Log {
					w := memoryWorld(t, r)
					defer w.end()
					return play(t, r, w)
				})
			})
		})
	}
}

// virtual returns the tolerance in virtual time. Due times are whole microseconds, on clocks that differ by one. A
// reservation whose caller has left may be used late, by the slack.
func virtual(r table.Row) table.Tolerance {
	slack := 2 * time.Microsecond
	if r.Callers != table.Patient {
		slack += limiter.DefaultSlack
	}
	return table.Tolerance{Slack: slack, Trip: 2 * time.Millisecond}
}
