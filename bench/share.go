package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/bench/contestant"
	"github.com/weir-go/weir/bench/measure"
)

// slack is how late a call may start by the law. It is weir's default, and the same for every contestant.
const slack = 50 * time.Millisecond

// diary has the starts and the waits of one waiter. Times are counted from the beginning of the run.
type diary struct {
	starts []time.Duration
	waits  []time.Duration // waits[i] is the wait before starts[i]
	asked  time.Duration   // when the last wait began
	err    error
}

// loop waits for tokens, one after the other, until ctx ends. patience returns how long to wait for each; nil means without limit.
func (d *diary) loop(ctx context.Context, zero time.Time, patience func() time.Duration, wait func(context.Context) error) {
	for ctx.Err() == nil && d.err == nil {
		d.once(ctx, zero, patience, wait)
	}
}

func (d *diary) once(ctx context.Context, zero time.Time, patience func() time.Duration, wait func(context.Context) error) {
	d.asked = time.Since(zero)
	if patience != nil {
		// Cancelled by a timer and not by a deadline: a limiter that knew the deadline could refuse without waiting.
		mine, giveUp := context.WithCancel(ctx)
		defer giveUp()
		defer time.AfterFunc(patience(), giveUp).Stop()
		ctx = mine
	}
	if err := wait(ctx); err != nil {
		if ctx.Err() == nil {
			d.err = err
		}
		return
	}
	now := time.Since(zero)
	d.starts = append(d.starts, now)
	d.waits = append(d.waits, now-d.asked)
}

// window is a span of a run: from is in it, to is not.
type window struct{ from, to time.Duration }

func (w window) holds(t time.Duration) bool { return t >= w.from && t < w.to }

// within returns how many of the starts lie in a window.
func (d *diary) within(w window) (n int) {
	for _, t := range d.starts {
		if w.holds(t) {
			n++
		}
	}
	return n
}

// allStarts returns the starts of all diaries, in order.
func allStarts(diaries []diary) []time.Duration {
	var out []time.Duration
	for i := range diaries {
		out = append(out, diaries[i].starts...)
	}
	slices.Sort(out)
	return out
}

// share runs a fleet whose waiters wait again as soon as they have started, and measures a window of the run.
func (s *session) share(ctx context.Context, c contestant.Contestant, sh shape, what string, round int) (values, error) {
	key, err := s.fresh(ctx, fmt.Sprintf("%s, round %d: %s", what, round+1, c.Name))
	if err != nil {
		return nil, err
	}
	fleet, life, end, err := s.open(ctx, c, key, sh)
	if err != nil {
		return nil, err
	}
	diaries := make([]diary, sh.replicas*sh.waiters)
	var running sync.WaitGroup
	zero := time.Now()
	for n := range diaries {
		d, r := &diaries[n], fleet.Replicas[n/sh.waiters]
		room := 2 * int(float64(sh.rate)*(sh.warm+sh.length).Seconds()+float64(sh.burst)) / len(diaries)
		d.starts, d.waits = make([]time.Duration, 0, room), make([]time.Duration, 0, room)
		running.Go(func() { d.loop(life, zero, sh.impatience(round, n), r.Wait) })
	}
	w, cost, err := s.watch(ctx, zero, sh)
	end()
	running.Wait()
	if closed := fleet.Close(ctx); err == nil {
		err = closed
	}
	for i := range diaries {
		if err == nil {
			err = diaries[i].err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return judge(sh, diaries, w, cost, c.RoundTrips(cost.Calls())), nil
}

// impatience returns a function for the n-th waiter of a round, which returns how long to wait each time. The times are random, and the same
// for every contestant. It returns nil if waiters do not give up.
func (sh shape) impatience(round, n int) func() time.Duration {
	if sh.patience == 0 {
		return nil
	}
	rnd := rand.New(rand.NewPCG(uint64(round), uint64(n)))
	return func() time.Duration { return time.Duration(rnd.Int64N(int64(sh.patience))) }
}

// watch waits until a run is warm, and returns the window that follows and its cost.
func (s *session) watch(ctx context.Context, zero time.Time, sh shape) (window, measure.Cost, error) {
	if err := pause(ctx, sh.warm); err != nil {
		return window{}, measure.Cost{}, err
	}
	mark, err := measure.Begin(ctx, s.rdb)
	if err != nil {
		return window{}, measure.Cost{}, err
	}
	from := time.Since(zero)
	if err := pause(ctx, sh.length); err != nil {
		return window{}, measure.Cost{}, err
	}
	to := time.Since(zero)
	cost, err := mark.End(ctx, s.rdb)
	return window{from, to}, cost, err
}

// judge computes the numbers of a window. The documentation of the package describes them.
func judge(sh shape, diaries []diary, w window, cost measure.Cost, calls int64) values {
	starts := allStarts(diaries)
	var inside, waits []time.Duration
	for _, t := range starts {
		if w.holds(t) {
			inside = append(inside, t)
		}
	}
	shares, starved, longest := make([]float64, len(diaries)), 0.0, time.Duration(0)
	for i := range diaries {
		d := &diaries[i]
		shares[i] = float64(d.within(w))
		if shares[i] == 0 {
			starved++
		}
		for j, t := range d.starts {
			if w.holds(t) {
				waits = append(waits, d.waits[j])
			}
		}
		if d.asked < w.to && !slices.ContainsFunc(d.starts, func(t time.Duration) bool { return t >= d.asked && t < w.to }) {
			longest = max(longest, w.to-d.asked) // this wait goes on at the end of the window
		}
	}
	for _, t := range waits {
		longest = max(longest, t)
	}
	tokens := float64(len(inside))
	if tokens == 0 {
		tokens = math.NaN()
	}
	law := measure.Law{Rate: int64(sh.rate), Burst: int64(sh.burst)}
	v := values{
		"use":             float64(len(inside)) / (float64(sh.rate) * (w.to - w.from).Seconds()),
		"worst 1 s":       float64(measure.Most(inside, time.Second)) / float64(sh.rate),
		"over, no slack":  float64(law.Over(starts)),
		"calls/token":     float64(calls) / tokens,
		"Jain":            measure.Jain(shares),
		"± mean":          measure.Farthest(shares),
		"got nothing":     starved,
		"longest ÷ med":   float64(longest) / measure.Quantile(waits, 0.5),
		"client µs/token": float64(cost.Process.Microseconds()) / tokens,
		"Redis µs/token":  float64(cost.Server.Microseconds()) / tokens,
	}
	law.Slack = slack
	v["over the law"] = float64(law.Over(starts))
	return v
}

// sharing returns the columns for the numbers of judge.
func sharing() []column {
	return []column{
		median("use", 4), most("worst 1 s", 2), most("over, no slack", 0), most("over the law", 0), median("calls/token", 3),
		median("Jain", 4), most("± mean", 1), most("got nothing", 0), median("longest ÷ med", 2),
		median("client µs/token", 1), median("Redis µs/token", 1),
	}
}
