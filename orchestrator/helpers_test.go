package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// forever is a context that cannot end.
var forever = context.Background()

// errFailed is what tasks of tests fail with.
var errFailed = errors.New("failed")

// inBubbleOver runs a test in virtual time, with an orchestrator over an in-memory limiter. The test fails if a goroutine
// is left or hangs.
func inBubbleOver(t *testing.T, limits limiter.Config, cfg orchestrator.Config, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limits)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Limiter = l
		o, err := orchestrator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, o)
		ctx := context.WithoutCancel(t.Context())
		if err := o.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		if n := o.Pending(); n != 0 {
			t.Errorf("%d tasks are pending after Close", n)
		}
	})
}

// inBubble runs a test with an orchestrator of a configuration over a limiter of 1,000 a second, whose route "slow" lets
// one call start every 300 ms.
func inBubble(t *testing.T, cfg orchestrator.Config, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	inBubbleOver(t, limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"global": {limiter.PerSecond(1000, 1000)}, "slow": {{Tokens: 1, Per: 300 * time.Millisecond, Burst: 1}},
		},
		Routes: map[string][]string{"slow": {"slow", "global"}, "other": {"global"}},
	}, cfg, test)
}

// inBubbleAtRate runs a test with an orchestrator of some slots over a limiter of a rate, whose route "slow" lets one
// call start every hour.
func inBubbleAtRate(t *testing.T, rate, burst int64, slots int, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	inBubbleOver(t, limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(rate, burst)}, "slow": {{Tokens: 1, Per: time.Hour, Burst: 1}}},
		Routes:  map[string][]string{"spotify": {"global"}, "lastfm": {"global"}},
	}, orchestrator.Config{Slots: slots}, test)
}

// inBubbleUnlimited runs a test in virtual time, with an orchestrator of a configuration over a limiter without limits. A
// test may leave tasks that a drain abandons.
func inBubbleUnlimited(t *testing.T, cfg orchestrator.Config, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := unlimitedLimiter(t)
		cfg.Limiter = l
		o, err := orchestrator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, o)
		if err := o.Close(within(time.Hour)); err != nil && !errors.Is(err, context.DeadlineExceeded) { // the test has left tasks that never end
			t.Error("close:", err)
		}
		_ = l.Close(forever)
	})
}

// unlimitedLimiter is a limiter without limits of the routes "global", "a", "b" and "r0" to "r99".
func unlimitedLimiter(t *testing.T) *limiter.Limiter {
	t.Helper()
	limits := oneBucket(1, 1)
	limits.Routes = map[string][]string{"a": {"global"}, "b": {"global"}}
	for i := range 100 {
		limits.Routes[fmt.Sprint("r", i)] = []string{"global"}
	}
	l, err := limiter.NewUnlimited(limits)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// oneBucket is the configuration of one bucket, "global", of a rate a second.
func oneBucket(rate, burst int64) limiter.Config {
	return limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(rate, burst)}}}
}

// value is a task that returns a value at once.
func value[T any](v T) orchestrator.Task[T] {
	return func(context.Context) (T, error) { return v, nil }
}

// sleeper is a task that takes a time and returns a value.
func sleeper[T any](d time.Duration, v T) orchestrator.Task[T] {
	return func(ctx context.Context) (T, error) {
		select {
		case <-time.After(d):
			return v, nil
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
	}
}

// stubborn is a sleeper that ignores its context.
func stubborn[T any](d time.Duration, v T) orchestrator.Task[T] {
	return func(context.Context) (T, error) { time.Sleep(d); return v, nil }
}

// gated is a task that waits until a gate is closed, or its context ends.
func gated(ch <-chan struct{}) orchestrator.Task[int] {
	return func(ctx context.Context) (int, error) {
		select {
		case <-ch:
			return 1, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// failing is a task that ends with an error.
func failing(err error) orchestrator.Task[int] {
	return func(context.Context) (int, error) { return 0, err }
}

// same returns what it is given.
func same(_ context.Context, i int) (int, error) { return i, nil }

// submit is orchestrator.Submit of a task that must be accepted.
func submit[T any](t *testing.T, ctx context.Context, o *orchestrator.Orchestrator, task orchestrator.Task[T], opts ...orchestrator.Option) *orchestrator.Future[T] {
	t.Helper()
	f, err := orchestrator.Submit(ctx, o, task, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// within is a context that ends after a time.
func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(forever, d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// fillSlots makes every slot execute a task until the gate is closed.
func fillSlots(t *testing.T, o *orchestrator.Orchestrator) (gate chan struct{}) {
	t.Helper()
	gate = make(chan struct{})
	for range o.Snapshot().Slots {
		submit(t, forever, o, gated(gate))
	}
	synctest.Wait()
	return gate
}

// wantError checks that an error is, or wraps, the wanted one; nil is no error.
func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// wantEqual checks a value.
func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
