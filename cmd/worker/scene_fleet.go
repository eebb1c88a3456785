package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// sceneFleet is a fleet of replicas without HTTP: each has a limiter, an orchestrator and its own connections to Redis.
type sceneFleet struct {
	replicas []sceneReplica
}

type sceneReplica struct {
	rdb          redis.UniversalClient
	limiter      *limiter.Limiter
	orchestrator *orchestrator.Orchestrator
}

// startFleet starts replicas on one route. The caller closes the fleet that it returns, also after an error.
func startFleet(ctx context.Context, s *server, replicas, slots int, route string, cfg limiter.Config) (*sceneFleet, error) {
	f := &sceneFleet{}
	for range replicas {
		r := sceneReplica{rdb: s.Client()}
		f.replicas = append(f.replicas, r)
		last := &f.replicas[len(f.replicas)-1]
		var err error
		if last.limiter, err = limiter.New(ctx, r.rdb, cfg); err != nil {
			return f, err
		}
		if last.orchestrator, err = orchestrator.New(orchestrator.Config{
			Limiter: last.limiter, Slots: slots, Route: route, Retry: orchestrator.Retry{Classify: refusedVerdict},
		}); err != nil {
			return f, err
		}
	}
	return f, nil
}

// close ends the fleet. Running tasks have one second to end.
func (f *sceneFleet) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	var all errgroup.Group
	for _, r := range f.replicas {
		all.Go(func() error {
			if r.orchestrator != nil {
				_, _ = r.orchestrator.Drain(ctx, orchestrator.Drain{HandBack: true})
			}
			if r.limiter != nil {
				_ = r.limiter.Close(ctx)
			}
			return r.rdb.Close()
		})
	}
	_ = all.Wait() // the scene is over: an error at the end changes no result
}

// busy makes calls in each replica until ctx ends. Each replica has twice as many tasks as slots, so that some always wait. busy returns how many
// tasks ended with a refusal. If a task ends with another error, busy ends and returns it.
func (f *sceneFleet) busy(ctx context.Context, slots int, call func(ctx context.Context, o *orchestrator.Orchestrator) error) (refused int64, err error) {
	counts := make([]int64, 2*slots*len(f.replicas))
	all, calling := errgroup.WithContext(ctx)
	for i := range counts {
		o := f.replicas[i%len(f.replicas)].orchestrator
		all.Go(func() error {
			for {
				err := call(calling, o)
				_, no := errors.AsType[*refusedError](err)
				switch {
				case calling.Err() != nil:
					return nil
				case no:
					counts[i]++
				case err != nil:
					return err
				}
			}
		})
	}
	err = all.Wait()
	for _, n := range counts {
		refused += n
	}
	return refused, err
}

// refusedError is a 429 of a scene's provider.
type refusedError struct{ after time.Duration }

func (e *refusedError) Error() string {
	if e.after > 0 {
		return fmt.Sprintf("429, retry after %v", e.after)
	}
	return "429"
}

func refusedVerdict(err error) orchestrator.Verdict {
	if e, ok := errors.AsType[*refusedError](err); ok {
		return orchestrator.Verdict{Again: true, Throttled: true, After: e.after}
	}
	return orchestrator.Verdict{}
}

// during calls things in parallel and ends their context after length, or when one of them returns an error. The context has no deadline: a call
// that cannot start before a deadline would fail early, and here it has to wait until the end.
func during(ctx context.Context, length time.Duration, things ...func(ctx context.Context) error) error {
	calling, stop := context.WithCancel(ctx)
	defer stop()
	defer time.AfterFunc(length, stop).Stop()
	all, calling := errgroup.WithContext(calling)
	for _, thing := range things {
		all.Go(func() error { return thing(calling) })
	}
	return errors.Join(all.Wait(), ctx.Err())
}

// every calls do every two seconds until ctx ends, with the two seconds that have just passed.
func every(ctx context.Context, began time.Time, do func(from, to time.Duration)) error {
	const length = 2 * time.Second
	for from := time.Duration(0); ; from += length {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(began.Add(from + length))):
		}
		do(from, from+length)
	}
}
