package main

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/upstream"
)

// throttledScene is a fleet and a provider. The limit of the provider falls below the configured limit and comes back. Then the provider asks for
// one pause.
type throttledScene struct {
	demoCmd

	falls, back, pauses, end time.Duration // since the beginning
	pause                    time.Duration
	provider                 *sceneProvider
	spent                    int64 // tasks that ended with a refusal
}

const throttledRoute = "provider"

// newThrottled returns the scene. Its times, of 30 seconds: 6 s at the configured limit, 9 s at three eighths of it, 10.5 s at the configured
// limit, a pause of 2 s, and the rest at the configured limit. It returns an error if the rate does not fit the scene.
func newThrottled(c *demoCmd) (*throttledScene, error) {
	if r := c.limit().Rate(); r < leastSceneRate || r > mostSceneRate {
		return nil, fmt.Errorf("rate %v: the scene %s wants %d to %d", r, sceneThrottled, leastSceneRate, mostSceneRate)
	}
	all := c.takes()
	return &throttledScene{demoCmd: *c, falls: all * 6 / 30, back: all * 15 / 30, pauses: all * 51 / 60, pause: all * 2 / 30, end: all}, nil
}

// low returns the limit of the provider while it is below the configured one.
func (t *throttledScene) low() upstream.Limit {
	rate := t.limit().Rate() * 3 / 8
	return upstream.Limit{Rate: rate, Burst: max(1, int64(rate))}
}

func (t *throttledScene) upstream() upstream.Config {
	cfg := upstream.Default()
	usual := upstream.Limit{Rate: t.limit().Rate(), Burst: t.Burst}
	cfg.Total = usual
	cfg.Schedule = []upstream.Change{{At: t.falls, Limit: t.low()}, {At: t.back, Limit: usual}}
	cfg.Stretches = []upstream.Stretch{{API: upstream.Anthropic, From: t.pauses, To: t.pauses + t.pause, Fault: upstream.Refused, Share: 1}}
	return cfg
}

func (t *throttledScene) play(ctx context.Context, redis *server, say narrator) (outcome, error) {
	fleet, err := startFleet(ctx, redis, t.Replicas, t.Slots, throttledRoute, limiter.Config{
		Namespace: t.Namespace, Buckets: map[string][]limiter.Limit{throttledRoute: {t.limit()}},
	})
	defer fleet.close(ctx)
	if err != nil {
		return nil, err
	}
	t.introduce(say, redis, t.Namespace, fmt.Sprintf("%s: %v. The provider allows %.4g a second from %v on, %.4g again from %v on. At %v it asks to wait %v.",
		sharing(t.Replicas), t.limit(), t.low().Rate, t.falls, t.limit().Rate(), t.back, t.pauses, t.pause))
	if t.provider, err = newSceneProvider(t.upstream(), 50*time.Millisecond); err != nil {
		return nil, err
	}
	err = during(ctx, t.end, func(ctx context.Context) error { return t.follow(ctx, say) }, func(ctx context.Context) error { return t.run(ctx, fleet) })
	if err != nil {
		return nil, err
	}
	return t.measure(), nil
}

func (t *throttledScene) made() (calls, refused int) { return t.provider.made() }

// run makes calls with the fleet until ctx ends.
func (t *throttledScene) run(ctx context.Context, fleet *sceneFleet) (err error) {
	t.spent, err = fleet.busy(ctx, t.Slots, func(ctx context.Context, o *orchestrator.Orchestrator) error {
		_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, t.provider.call(ctx, upstream.Call{})
		})
		return err
	})
	return err
}

// follow writes every two seconds how many calls the fleet made, until ctx ends.
func (t *throttledScene) follow(ctx context.Context, say narrator) error {
	return every(ctx, t.provider.began, func(from, to time.Duration) {
		calls, length := t.provider.between(from, to), (to - from).Seconds()
		n := accepted(calls)
		say("%5.1f s   asked %5.1f a second   accepted %5.1f   refused %5.1f", to.Seconds(),
			float64(len(calls))/length, float64(n)/length, float64(len(calls)-n)/length)
	})
}
