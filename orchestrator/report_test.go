package orchestrator_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

func TestACancelledCallOfABatcherIsNotCountedAsEnded(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, _ []int) (map[int]int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, orchestrator.BatcherConfig{Delay: -1})
		go func() { _, _ = b.Load(forever, 1) }()
		synctest.Wait()
		if r, _ := o.Drain(within(time.Second), orchestrator.Drain{}); r.Ended != 0 {
			t.Error(r)
		}
	})
}

func TestCancelledSharersAreNotCountedAsEnded(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 3 {
			submit(t, forever, o, sleeper(time.Hour, 1), orchestrator.Key("k"))
		}
		synctest.Wait()
		if r, _ := o.Drain(within(time.Second), orchestrator.Drain{}); r.Ended != 0 {
			t.Error("nothing ended by itself:", r)
		}
	})
}

func TestStuckSharersAreNotCountedAsEnded(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, stubborn(time.Hour, 1), orchestrator.Key("k"))
		j := submit(t, forever, o, value(1), orchestrator.Key("k"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(forever, time.Second)
		defer cancel()
		r, _ := o.Drain(ctx, orchestrator.Drain{})
		_, err := j.Await(forever)
		wantError(t, "who joined", err, orchestrator.ErrStuck)
		wantEqual(t, "ended by themselves", r.Ended, 0)
		time.Sleep(time.Hour)
	})
}

func TestADrainNamesWhatItWaitedForInVain(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		_, _ = orchestrator.Execute(forever, o, stubborn(time.Hour, 1), orchestrator.Timeout(time.Second), orchestrator.Name("stuck-one"))
		ctx, cancel := context.WithTimeout(forever, time.Second)
		defer cancel()
		start := time.Now()
		r, err := o.Drain(ctx, orchestrator.Drain{})
		if err == nil || !strings.Contains(err.Error(), "stuck-one") {
			t.Errorf("waited %v for a function that does not return; the error does not say for which: %v; %+v", time.Since(start), err, r)
		}
		time.Sleep(time.Hour)
	})
}
