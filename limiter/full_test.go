package limiter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestAFullRedisKeepsLimiting: a Redis with full memory (noeviction) still serves every request of a fleet. Each row is one kind of call. A
// refused write shows that the memory is full.
func TestAFullRedisKeepsLimiting(t *testing.T) {
	rdb := limitertest.Server(t)
	cfg := limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"plain": {limiter.PerSecond(1_000_000, 1_000_000)}, "window": {limiter.PerWindow(1000, time.Second)}, "narrow": {limiter.PerSecond(200, 1)},
		},
		Routes:  map[string][]string{"plain": {"plain"}, "window": {"window"}, "narrow": {"narrow"}, "both": {"plain", "narrow"}},
		Publish: -1, WhenAway: limiter.FailClosed,
	}
	l, err := limiter.New(t.Context(), rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Set(t.Context(), "other", "x", 0).Err(); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("the memory is not full: %v", err)
	}
	patient, cancel := context.WithTimeout(t.Context(), 5*time.Second) // a refused call would wait indefinitely
	defer cancel()
	wait := func(route string, options ...limiter.Option) error { return l.Wait(patient, route, options...) }
	for _, row := range []struct {
		what string
		call func() error
	}{
		{"a token is there", func() error { return wait("plain") }},
		{"a window", func() error { return wait("window") }},
		{"a wait", func() error { return errors.Join(wait("narrow"), wait("narrow"), wait("narrow")) }},
		{"a path of two buckets", func() error { return errors.Join(wait("both"), wait("both")) }},
		{"an urgent call", func() error { return wait("narrow", limiter.Urgent()) }},
		{"many callers", func() error {
			failed := make(chan error, 50)
			for range cap(failed) {
				go func() { failed <- wait("narrow") }()
			}
			var all error
			for range cap(failed) {
				all = errors.Join(all, <-failed)
			}
			return all
		}},
		{"a bucket made now", func() error {
			return errors.Join(l.AddRoute("tenant", limiter.Bucket{Name: "t", Limits: []limiter.Limit{limiter.PerSecond(100, 1)}}), wait("tenant"), wait("tenant"))
		}},
		{"other limits", func() error {
			return errors.Join(l.Configure(t.Context(), "narrow", limiter.PerSecond(400, 2)), wait("narrow"))
		}},
		{"a pause", func() error { return errors.Join(l.Pause(t.Context(), "window", time.Millisecond), wait("window")) }},
		{"a newcomer", func() error {
			other, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				return err
			}
			return errors.Join(other.Wait(t.Context(), "plain"), other.Close(t.Context()))
		}},
		{"a memory that was lost", func() error {
			return errors.Join(rdb.FlushAll(t.Context()).Err(), wait("plain"), wait("narrow"))
		}},
	} {
		if err := row.call(); err != nil {
			t.Errorf("%s: error %v", row.what, err)
		} else {
			t.Logf("%-24s served", row.what)
		}
	}
}
