package limiter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestConfigIsCopied: a limiter copies its configuration, so the caller may change the maps and slices afterwards.
func TestConfigIsCopied(t *testing.T) {
	five := limiter.Limit{Tokens: 5, Per: time.Hour, Burst: 5}
	limits := map[string][]limiter.Limit{"global": {five}, "other": {five}}
	routes := map[string][]string{"a": {"other", "global"}}
	_, rdb := limitertest.Redis(t)
	l, err := limiter.New(t.Context(), rdb, config(limits, routes))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	m, err := limiter.NewMemory(config(limits, routes))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, m)
	limits["global"][0], routes["a"][0] = limiter.PerSecond(1000, 1000), "nowhere"
	delete(routes, "a")
	limits["more"] = slices.Clone(limits["global"])
	delete(limits, "other")
	for _, l := range []*limiter.Limiter{l, m} {
		if err := l.AddRoute("b", limiter.Bucket{Name: "more"}); err == nil {
			t.Error("the limiter knows a bucket that was added to the map later")
		}
		makeRoute(t, l, "b", limiter.Bucket{Name: "other"})
		if n := allowed(t, l, "a", 20); n != 5 {
			t.Errorf("%d calls passed a bucket of 5", n)
		}
	}
}
