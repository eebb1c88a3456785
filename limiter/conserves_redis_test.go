package limiter_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/table"
	"github.com/weir-go/weir/limiter/limitertest"
)

// lateness measures by how much timers and requests to Redis are late on this machine, until the returned function is called. That
// function returns the mean and the longest delay.
func lateness(t *testing.T, rdb *redis.Client, every time.Duration) (stop func() (mean, longest time.Duration)) {
	done, measured := make(chan struct{}), make(chan [2]time.Duration)
	go func() {
		var late, n, longest time.Duration
		timer := time.NewTimer(every)
		defer timer.Stop()
		for at := time.Now().Add(every); ; {
			select {
			case <-done:
				measured <- [2]time.Duration{late / max(1, n), longest}
				return
			case <-timer.C:
				rdb.Time(t.Context())
				by := max(0, time.Since(at)) // when the goroutine runs, not when its timer fires
				late, n, longest = late+by, n+1, max(longest, by)
				at = time.Now().Add(every)
				timer.Reset(every)
			}
		}
	}()
	return func() (mean, longest time.Duration) {
		close(done)
		m := <-measured
		return m[0], m[1]
	}
}

// looseBy returns the share of a row's budget that late timers may cost, in addition to two hundredths. At a burst of 1 each token
// that is taken late delays the next one. Each token takes one timer and one request to Redis.
func looseBy(r table.Row, late time.Duration) float64 {
	fastest := 0.0
	for _, l := range r.Limits {
		fastest = max(fastest, l.Rate())
	}
	return min(0.15, 0.02+2*late.Seconds()*fastest)
}

// TestConservesOnRedis runs the named rows on a real Redis, in real time and all at once, more than the machine has cores. Timers
// are late there, above all beside the tests of other packages. So the test measures their delay and loosens the marks by it. In
// virtual time the same rows have strict marks.
func TestConservesOnRedis(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector is too slow for marks in real time")
	}
	rdb := limitertest.Server(t)
	options := func() *redis.Options {
		opts := *rdb.Options()
		opts.Dialer = opts.NewDialer()
		return &opts
	}
	var rows []table.Row
	for _, r := range table.Named() {
		if r, ok := r.InRealTime(); ok {
			rows = append(rows, r)
		}
	}
	logs := make([]table.Log, len(rows))
	var plays sync.WaitGroup
	for i, r := range rows {
		w := fleetWorld(t, r, fmt.Sprintf("row-%d", i), options)
		plays.Go(func() {
			defer w.end()
			logs[i] = play(t, r, w)
		})
	}
	const every = 25 * time.Millisecond
	stop := lateness(t, rdb, every)
	plays.Wait()
	late, _ := stop()
	t.Logf("timers and requests were late by %v on average", late)
	red := openRed(t, "redis")
	for i, r := range rows {
		t.Run(r.String(), func(t *testing.T) {
			first, tolerance := true, table.Tolerance{
				Slack: limiter.DefaultSlack + 10*time.Millisecond, Trip: 20 * time.Millisecond, Idle: 20 * time.Millisecond, Loose: looseBy(r, late),
			}
			red.judge(t, r, &tolerance, func() table.Log {
				if first {
					first = false
					return logs[i]
				}
				stop := lateness(t, rdb, every)
				defer func() {
					late, _ := stop()
					tolerance.Loose = looseBy(r, late)
				}()
				w := fleetWorld(t, r, fmt.Sprintf("row-%d-again", i), options) // alone
				defer w.end()
				return play(t, r, w)
			})
		})
	}
}
