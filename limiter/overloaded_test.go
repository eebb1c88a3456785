package limiter_test

import (
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestOverloadedProviderAsksToWait: if an overloaded provider says for how long to wait, the whole fleet stops its calls until then. If it
// does not say, calls continue.
func TestOverloadedProviderAsksToWait(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		shut  bool
	}{
		{0, false}, {2 * time.Second, true}, {20 * time.Second, true}, {2 * time.Minute, true},
	} {
		onFleets(t, limiter.SingleBucket("global", limiter.PerSecond(40, 40)), func(t *testing.T, fleet []*limiter.Limiter) {
			reported := reservation(t, fleet[0])
			begun := time.Now()
			report(t.Context(), t, reported, limiter.Overloaded{RetryAfter: row.after})
			time.Sleep(5 * time.Millisecond) // the report has reached Redis
			var waits []time.Duration
			for _, l := range fleet {
				r := reservation(t, l)
				waits = append(waits, time.Until(r.Due())+time.Since(begun))
			}
			first := waits[0]
			for _, w := range waits {
				first = min(first, w)
			}
			t.Logf("Retry-After %-8v %d replicas, the first call may start after %v", row.after, len(fleet), first.Round(time.Millisecond))
			if early := row.after - first; row.shut && early > 10*time.Millisecond || !row.shut && first > limiter.DefaultHorizon {
				t.Errorf("the first call may start after %v, want %v", first, row.after)
			}
		}, 1, 8)
	}
}
