package orchestrator_test

import (
	"context"
	"errors"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNoLeak: an orchestrator leaves no goroutine that waits for an event that can never come, whether it was closed or
// only dropped. The test needs the profile of such goroutines: GOEXPERIMENT=goroutineleakprofile go test -run NoLeak.
func TestNoLeak(t *testing.T) {
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		t.Skip("this test needs GOEXPERIMENT=goroutineleakprofile")
	}
	for range 20 {
		everything(t)
	}
	var text strings.Builder
	if err := profile.WriteTo(&text, 2); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "(leaked)") {
		t.Errorf("goroutines that can never go on:\n%s", text.String())
	}
}

// everything uses an orchestrator in every way, and leaves it without closing it.
func everything(t *testing.T) {
	t.Helper()
	l, err := limiter.NewMemory(oneBucket(1000, 5))
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2, Retry: orchestrator.Retry{First: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 10 {
		submit(t, ctx, o, value(1))
		submit(t, ctx, o, failing(orchestrator.Again(errors.New("busy"), 0)))
		submit(t, ctx, o, value(1), orchestrator.Key("k"))
		submit(t, ctx, o, sleeper(time.Second, 1), orchestrator.Timeout(time.Millisecond))
	}
	b, err := orchestrator.EnqueueBatch(ctx, o, "", []orchestrator.Task[int]{value(1), value(2)})
	if err != nil {
		t.Fatal(err)
	}
	for range b.Progress(ctx) {
	}
	for range b.Completed(ctx) {
	}
	if _, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
		return orchestrator.Execute(ctx, o, value(1))
	}); err != nil {
		t.Error(err)
	}
	batches, err := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		return map[int]int{keys[0]: 1}, nil
	}, orchestrator.BatcherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := batches.Load(ctx, 1); err != nil {
		t.Error(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	if err := o.Close(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
