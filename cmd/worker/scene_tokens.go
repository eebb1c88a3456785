package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/upstream"
)

// tokensScene is two fleets. Each has its own provider, which counts output tokens. Both fleets estimate calls at twice their cost. One fleet
// settles the cost of each call, the other does not.
type tokensScene struct {
	demoCmd

	warm, end time.Duration // since the beginning: the burst is used up, and the scene ends
	fleets    [2]*tokensFleet
}

// tokensFleet is one of the two fleets.
type tokensFleet struct {
	*sceneFleet

	settles  bool
	provider *sceneProvider
	spent    int64 // tasks that ended with a refusal
}

const (
	tokensRoute     = "output"
	tokensPerMinute = 60_000
	tokensBurst     = 2_000
	tokensMedian    = 40  // of the output of a call
	tokensSigma     = 0.7 // of its log-normal distribution
	tokensMost      = 400
	tokensOver      = 2 // how many times too high estimates are
)

func newTokensScene(c *demoCmd) *tokensScene {
	return &tokensScene{demoCmd: *c, warm: c.takes() / 3, end: c.takes(), fleets: [2]*tokensFleet{{settles: true}, {settles: false}}}
}

func (f *tokensFleet) name() string {
	if f.settles {
		return "settled"
	}
	return "unsettled"
}

func (t *tokensScene) play(ctx context.Context, redis *server, say narrator) (outcome, error) {
	for _, f := range t.fleets {
		var err error
		f.sceneFleet, err = startFleet(ctx, redis, t.Replicas, t.Slots, tokensRoute, limiter.Config{
			Namespace: t.Namespace + "-" + f.name(),
			Buckets:   map[string][]limiter.Limit{tokensRoute: {{Tokens: tokensPerMinute, Per: time.Minute, Burst: tokensBurst}}},
			Metered:   map[string]limiter.Metered{tokensRoute: {}},
		})
		defer f.close(ctx)
		if err != nil {
			return nil, err
		}
	}
	t.introduce(say, redis, t.Namespace+"-"+t.fleets[0].name(), fmt.Sprintf(
		"Two fleets of %s, one that settles and one that does not. Each has %d output tokens a minute. Estimates are %d times too high.",
		counted(t.Replicas, "replica", "replicas"), tokensPerMinute, tokensOver))
	for _, f := range t.fleets {
		var err error
		if f.provider, err = newSceneProvider(tokensUpstream(), 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	err := during(ctx, t.end, func(ctx context.Context) error { return t.follow(ctx, say) }, func(ctx context.Context) error {
		return t.fleets[0].run(ctx, t.Slots)
	}, func(ctx context.Context) error { return t.fleets[1].run(ctx, t.Slots) })
	if err != nil {
		return nil, err
	}
	return t.measure(), nil
}

func tokensUpstream() upstream.Config {
	cfg := upstream.Default()
	cfg.Total = upstream.Limit{Rate: 1000, Burst: 1000} // high, so that the limit of tokens binds
	cfg.Tokens.Output = upstream.TokenLimit{PerMinute: tokensPerMinute, Burst: tokensBurst}
	return cfg
}

func (t *tokensScene) made() (calls, refused int) {
	for _, f := range t.fleets {
		c, r := f.provider.made()
		calls, refused = calls+c, refused+r
	}
	return calls, refused
}

// run makes calls with the fleet until ctx ends.
func (f *tokensFleet) run(ctx context.Context, slots int) (err error) {
	f.spent, err = f.busy(ctx, slots, func(ctx context.Context, o *orchestrator.Orchestrator) error {
		output := int64(min(tokensMost, max(1, math.Round(tokensMedian*math.Exp(tokensSigma*rand.NormFloat64()))))) //nolint:gosec // no secret
		_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (struct{}, error) {
			err := f.provider.call(ctx, upstream.Call{Output: output, MaxTokens: output})
			if r, ok := limiter.FromContext(ctx); ok && f.settles {
				r.Settle(limiter.Costs{tokensRoute: costOfCall(err, output)})
			}
			return struct{}{}, err
		}, orchestrator.Costs(limiter.Costs{tokensRoute: tokensOver * output}))
		return err
	})
	return err
}

// costOfCall returns the output tokens that a call has cost: 0 if the provider refused it.
func costOfCall(err error, output int64) int64 {
	if _, refused := errors.AsType[*refusedError](err); refused {
		return 0
	}
	return output
}

// follow writes every two seconds how many tokens a second each fleet used, until ctx ends.
func (t *tokensScene) follow(ctx context.Context, say narrator) error {
	return every(ctx, t.fleets[0].provider.began, func(from, to time.Duration) {
		s, u := t.fleets[0].use(from, to), t.fleets[1].use(from, to)
		say("%5.1f s   settled %4.0f tokens a second, %d refused   unsettled %4.0f, %d refused", to.Seconds(), s.perSecond, s.Refused, u.perSecond, u.Refused)
	})
}
