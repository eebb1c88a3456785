package main

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// TestWhyReads checks why for the buckets and the route of a limiter, and its errors for names that do not exist.
func TestWhyReads(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	l, err := limiter.New(t.Context(), rdb, limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "tracks": {limiter.PerSecond(9, 9)}},
		Routes:  map[string][]string{"spotify": {"tracks", "global"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(t.Context()) }()
	if err := l.Pause(t.Context(), "global", time.Hour); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS_URL", "redis://"+m.Addr())
	status, out, errs := run("why", "global")
	if status != cli.OK || !strings.Contains(out, "it is paused for another") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if err := l.Pause(t.Context(), "global", limiter.UntilResumed); err != nil {
		t.Fatal(err)
	}
	if _, out, _ = run("why", "global"); !strings.Contains(out, "would start when resumed") {
		t.Error(out)
	}
	if _, out, _ = run("why", "--json", "global"); !strings.Contains(out, `"wait_ms":null`) {
		t.Error(out)
	}
	if status, out, errs = run("why", "other"); status != cli.Usage || !strings.Contains(errs, `no bucket "other"`) || out != "" {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if status, _, _ = run("why"); status != cli.Usage {
		t.Errorf("status %d without a bucket", status)
	}
	// The name of a published route stands for the buckets of the route.
	for again := time.NewTicker(10 * time.Millisecond); status != cli.OK; <-again.C {
		if status, out, errs = run("why", "spotify"); status != cli.OK && !strings.Contains(errs, "no live replica has published a route") {
			t.Fatalf("status %d: %s%s", status, out, errs)
		}
	}
	if !strings.Contains(out, "passes tracks, then global") {
		t.Error(out)
	}
	m.Close()
	if status, _, _ = run("why", "global"); status != cli.Unreachable {
		t.Errorf("status %d without Redis", status)
	}
}
