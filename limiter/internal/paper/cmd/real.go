package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/paper"
)

// starting is how long the replicas of a real fleet take to start, one after the other.
const starting = 10 * time.Second

// diary records the calls of one caller of a real fleet. Times count from the start of the run.
type diary struct {
	asked, waited []time.Duration
	waits         bool // the caller still waits at the end, since the last time in asked
}

// real runs a world of one limit with real limiters, on a real Redis and in real time.
func (s *server) real(ctx context.Context, w paper.World, rate int64) (r paper.Result, err error) {
	fleet := make([]*limiter.Limiter, w.Replicas)
	// Replicas that start in the same moment would announce themselves in the same moment, every 10 s.
	if err := together(w.Replicas, func(i int) (err error) {
		if err := pause(ctx, rand.N(starting)); err != nil {
			return err
		}
		c := limiter.SingleBucket("api", limiter.PerSecond(rate, w.Limits[0].Burst))
		c.Namespace, c.Replica = fmt.Sprint("real-", w.Replicas, "-", rate), fmt.Sprint("replica-", i)
		fleet[i], err = limiter.New(ctx, s.rdb, c)
		return err
	}); err != nil {
		return r, err
	}
	life, end := context.WithCancel(ctx)
	defer end()
	diaries := make([]diary, w.Replicas*w.Callers)
	var running sync.WaitGroup
	zero := time.Now()
	for i, at := range w.Comes() {
		running.Go(func() { diaries[i].live(life, zero.Add(at), zero, fleet[i/w.Callers], w.Task) })
	}
	before, after := usage{}, usage{}
	from, to := time.Duration(0), time.Duration(0)
	if err = pause(ctx, w.Warm); err == nil {
		before, err = s.usage(ctx)
		from = time.Since(zero)
	}
	if err == nil {
		err = pause(ctx, w.Length)
	}
	if err == nil {
		to = time.Since(zero)
		after, err = s.usage(ctx)
	}
	end()
	running.Wait()
	closed := together(w.Replicas, func(i int) error { return fleet[i].Close(ctx) })
	if err = errors.Join(err, closed); err != nil {
		return r, err
	}
	return judge(w, diaries, from, to, before, after), nil
}

// live first asks at the time comes. Then it starts its call, works and asks again, until ctx ends.
func (d *diary) live(ctx context.Context, comes, zero time.Time, l *limiter.Limiter, task time.Duration) {
	for pause(ctx, time.Until(comes)) == nil {
		asked := time.Since(zero)
		d.asked = append(d.asked, asked)
		if l.Wait(ctx, "api") != nil {
			d.waits = true
			return
		}
		d.waited = append(d.waited, time.Since(zero)-asked)
		comes = time.Now().Add(task)
	}
}

// judge computes the numbers of a real fleet in the same way as those of a fleet on paper.
func judge(w paper.World, diaries []diary, from, to time.Duration, before, after usage) (r paper.Result) {
	served := make([]int64, w.Replicas)
	var waits []time.Duration
	for i, d := range diaries {
		for k, waited := range d.waited {
			if at := d.asked[k] + waited; at >= from && at < to {
				served[i/w.Callers]++
				waits = append(waits, waited)
			}
			if d.asked[k] < to && d.asked[k]+waited >= to { // it still waited at to
				r.Longest = max(r.Longest, to-d.asked[k])
			}
		}
		if d.waits && d.asked[len(d.asked)-1] < to {
			r.Longest = max(r.Longest, to-d.asked[len(d.asked)-1])
		}
	}
	slices.Sort(waits)
	length := (to - from).Seconds()
	r.Starts, r.Jain = int64(len(waits)), paper.Jain(served)
	r.Used = float64(r.Starts) / (w.Rate() * length)
	r.Scripts = float64(after.scripts-before.scripts) / length
	r.PerToken = float64(after.scripts-before.scripts) / float64(max(1, len(waits)))
	r.Busy = (after.cpu - before.cpu).Seconds() / length
	r.Turns = float64(r.Starts) / float64(len(diaries))
	if len(waits) > 0 {
		r.Median, r.Longest = waits[len(waits)/2], max(r.Longest, waits[len(waits)-1])
	}
	return r
}

// together calls do n times at once, and returns the errors, joined.
func together(n int, do func(i int) error) error {
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = do(i) })
	}
	running.Wait()
	return errors.Join(errs...)
}
