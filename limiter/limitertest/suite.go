package limitertest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Limiter is what the suite checks against the contract: *[limiter.Limiter], or a replacement of it.
type Limiter interface {
	Allow(ctx context.Context, route string, opts ...limiter.Option) (bool, error)
	AllowN(ctx context.Context, route string, n int64, opts ...limiter.Option) (bool, error)
	Decide(ctx context.Context, route string, n int64, opts ...limiter.Option) (limiter.Decision, error)
	Reserve(ctx context.Context, route string, opts ...limiter.Option) (*limiter.Reservation, error)
	ReserveN(ctx context.Context, route string, n int64, opts ...limiter.Option) (*limiter.Reservation, error)
	ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, limiter.Turn, error)
	Report(ctx context.Context, route string, r limiter.Report) error
	Wait(ctx context.Context, route string, opts ...limiter.Option) error
	WaitN(ctx context.Context, route string, n int64, opts ...limiter.Option) error
	Close(ctx context.Context) error
}

// Run checks a limiter against the contract of package limiter. Each scenario runs in a testing/synctest bubble of its
// own. There start makes a limiter for a configuration, with full buckets. The suite closes it.
func Run(t *testing.T, start func(t *testing.T, cfg limiter.Config) Limiter) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := start(t, s.cfg)
				defer closeAll(t, l)
				s.test(t, l)
			})
		})
	}
}

// RunFleet checks limiters that share their buckets against the promises of a fleet, while some of them die. It uses
// bubbles as [Run] does, with as many limiters as start is asked for. start also returns how one dies: from then on
// nothing of it reaches the others. The suite closes all of them.
func RunFleet(t *testing.T, start func(t *testing.T, cfg limiter.Config, replicas int) (fleet []Limiter, die func(replica int))) {
	for _, s := range fleetScenarios() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fleet, die := start(t, config(s.limit), s.replicas)
				var ending sync.WaitGroup
				defer ending.Wait()
				for _, l := range fleet {
					defer ending.Go(func() { closeAll(t, l) })
				}
				s.play(t, fleet, die)
			})
		})
	}
}

type scenario struct {
	name string
	cfg  limiter.Config
	test func(t *testing.T, l Limiter)
}

func closeAll(t *testing.T, l Limiter) {
	if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func one(rate, burst int64) limiter.Config { return config(limiter.PerSecond(rate, burst)) }

func config(l limiter.Limit) limiter.Config { return limiter.SingleBucket("global", l) }

func scenarios() []scenario {
	return []scenario{
		{"Wait paces at the rate", one(40, 5), waitPacesAtTheRate},
		{"concurrent waiters keep the law and use all", one(40, 40), concurrentWaitersKeepTheLawAndUseAll},
		{"a route keeps every bucket", routesKeepEveryBucketConfig(), routesKeepEveryBucket},
		{"a window counts every stretch of its length", windowConfig(), windowCountsEveryStretch},
		{"a window that is paced by a bucket", pacedWindowConfig(), pacedWindow},
		{"a window is passed in order", orderedWindowConfig(), orderedWindow},
		{"Allow takes only what is there", one(10, 3), allowTakesOnlyWhatIsThere},
		{"a deadline is refused at once and takes nothing", one(10, 1), deadlineIsRefusedAtOnceAndTakesNothing},
		{"costs and their bounds", one(10, 4), costsAndTheirBounds},
		{"a reservation is used once, on its route, in time", reservationIsUsedOnceOnItsRouteInTimeConfig(), reservationIsUsedOnceOnItsRouteInTime},
		{"what is given up goes to the next caller", one(10, 1), cancelledReservationGoesToTheNextCaller},
		{"a reservation is given up once", one(10, 1), reservationIsGivenUpOnce},
		{"Decide says what Allow does, and why", one(10, 3), decideSaysWhatAllowDoes},
		{"a batch has the costs of its runs", one(10, 10), batchHasTheCostsOfItsRuns},
		{"costs from one to the burst use the rate", one(10, 5), mixedCostsUseTheRate},
		{"costs of each bucket", byUnit(), costsOfEachBucket},
		{"costs that cannot be", byUnit(), costsThatCannotBe},
		{"a batch has costs of each bucket", byUnit(), batchHasCostsOfEachBucket},
		{"costs of each bucket keep the law", byUnit(), costsOfEachBucketKeepTheLaw},
		{"a surplus goes back when a call is settled", metered(plainly()), surplusGoesBack},
		{"a shortfall is debt when a call is settled", metered(plainly()), shortfallIsDebt},
		{"estimates follow what calls have cost", metered(limiter.Metered{Reserve: -1}), estimatesFollow},
		{"what was settled is not given up", metered(plainly()), settledIsNotGivenUp},
		{"what was not used is not settled", metered(plainly()), unusedIsNotSettled},
		{"settled costs keep the law and use the rate", metered(plainly()), settledCostsKeepTheLaw},
		{"a refused call shuts its bucket", twoProviders(), refusedCallShutsItsBucket},
		{"a refusal without a time shuts nothing", twoProviders(), refusalWithoutATime},
		{"a line that gave up leaves nothing", one(10, 2), lineThatGaveUpLeavesNothing},
		{"a burst of one uses the rate", one(40, 1), aBurstUsesTheRate},
		{"two a minute", config(limiter.Limit{Tokens: 2, Per: time.Minute, Burst: 1}), slowRateIsKept},
		{"five an hour", config(limiter.Limit{Tokens: 5, Per: time.Hour, Burst: 5}), slowRateIsKept},
		{"closed, ended and unknown", one(10, 1), closedAndUnknown},
	}
}
