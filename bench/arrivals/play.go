package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/bench/contestant"
	"github.com/weir-go/weir/bench/measure"
)

// budget has the limit of the provider and the work of the fleet.
type budget struct {
	Rate     int `json:"rate"` // calls a second
	Burst    int `json:"burst"`
	SlackMS  int `json:"slack_ms"`  // how much later than its token a call may arrive
	AnswerMS int `json:"answer_ms"` // time until the provider answers an accepted call
	Replicas int `json:"replicas"`
	Callers  int `json:"callers"` // of each replica
	Calls    int `json:"calls"`   // of each replica
}

// play is the result of one limiter.
type play struct {
	Limiter  string  `json:"limiter"`
	Sent     int     `json:"sent"`
	Refused  int     `json:"refused"`
	Seconds  float64 `json:"seconds"`              // until the provider accepted the last call
	Longest  float64 `json:"longest_wait_seconds"` // the longest time for which a call waited for its limiter
	Scripts  int64   `json:"scripts"`              // scripts that Redis ran
	Accepted []int   `json:"accepted_in_100ms"`
	Turned   []int   `json:"refused_in_100ms"`
}

// noLimiter lets every call start at once.
type noLimiter struct{}

func (noLimiter) Allow(context.Context) (bool, error) { return true, nil }
func (noLimiter) Wait(ctx context.Context) error      { return context.Cause(ctx) }

// unlimited returns a contestant without a limiter.
func unlimited() contestant.Contestant {
	return contestant.Contestant{Name: "no limiter", Open: func(_ context.Context, s contestant.Setup) (*contestant.Fleet, error) {
		f := &contestant.Fleet{Close: func(context.Context) error { return nil }}
		for range s.Replicas {
			f.Replicas = append(f.Replicas, noLimiter{})
		}
		return f, nil
	}}
}

// played plays the calls of a fleet with one limiter, and returns the result. If rdb is nil it does not count scripts.
func (b budget) played(ctx context.Context, c contestant.Contestant, rdb *redis.Client, setup contestant.Setup) (_ *play, err error) {
	life, end := context.WithCancel(ctx)
	defer end()
	fleet, err := c.Open(life, setup)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fleet.Close(ctx)) }()
	p, err := startProvider(ctx, b)
	if err != nil {
		return nil, err
	}
	defer p.close()
	var mark measure.Mark
	if rdb != nil {
		if mark, err = measure.Begin(ctx, rdb); err != nil {
			return nil, err
		}
	}
	var longest atomic.Int64
	begun := time.Now()
	p.begin()
	callers, calling := errgroup.WithContext(ctx)
	for _, r := range fleet.Replicas {
		left := atomic.Int64{}
		left.Store(int64(b.Calls))
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: b.Callers}}
		for range b.Callers {
			callers.Go(func() error {
				for left.Add(-1) >= 0 {
					waited, err := call(calling, r, client, p.url)
					if err != nil {
						return err
					}
					for was := longest.Load(); int64(waited) > was && !longest.CompareAndSwap(was, int64(waited)); was = longest.Load() {
					}
				}
				return nil
			})
		}
	}
	if err := callers.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	done := &play{Limiter: c.Name, Accepted: p.accepted, Turned: p.refused, Seconds: p.last.Sub(begun).Seconds(), Longest: time.Duration(longest.Load()).Seconds()}
	for i := range p.accepted {
		done.Sent += p.accepted[i] + p.refused[i]
		done.Refused += p.refused[i]
	}
	if rdb != nil {
		cost, err := mark.End(ctx, rdb)
		if err != nil {
			return nil, err
		}
		done.Scripts = c.RoundTrips(cost.Calls())
	}
	return done, nil
}

// call repeats one call until the provider accepts it, and returns how long the call waited for its limiter in all.
func call(ctx context.Context, r contestant.Replica, client *http.Client, url string) (waited time.Duration, err error) {
	for {
		asked := time.Now()
		if err := r.Wait(ctx); err != nil {
			return 0, err
		}
		waited += time.Since(asked)
		refused, after, err := send(ctx, client, url)
		if err != nil || !refused {
			return waited, err
		}
		if err := pause(ctx, after); err != nil {
			return 0, err
		}
	}
}

// send sends one request. If the provider refuses it, after is the time of Retry-After.
func send(ctx context.Context, client *http.Client, url string) (refused bool, after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false, 0, err
	}
	res, err := client.Do(req)
	if err != nil {
		return false, 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // a body that was not read keeps the connection from being reused
	if res.StatusCode != http.StatusTooManyRequests {
		return false, 0, nil
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	return true, time.Duration(seconds) * time.Second, err
}
