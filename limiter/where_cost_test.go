package limiter_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestWhereIsCheap: 10,000 callers wait in 64 replicas. Where costs a real Redis less than 5 ms, in two pipelines without a script. The
// test prints the time, and checks the number of commands, which does not depend on the number of callers.
func TestWhereIsCheap(t *testing.T) {
	rdb := limitertest.Server(t)
	const replicas, callers = 64, 10_000
	ctx, cancel := context.WithCancel(t.Context())
	var fleet []*limiter.Limiter
	for range replicas {
		cfg := limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(10, 1)}, "tracks": {limiter.PerSecond(100, 1)}}, Routes: map[string][]string{"spotify": {"tracks", "global"}}, Publish: -1}
		opts := *rdb.Options()
		mine := redis.NewClient(&opts)
		defer mine.Close()
		l, err := limiter.New(t.Context(), mine, cfg)
		if err != nil {
			t.Fatal(err)
		}
		fleet = append(fleet, l)
	}
	ended := make(chan struct{}, callers)
	for i := range callers {
		go func() {
			_ = fleet[i%replicas].Wait(ctx, "spotify")
			ended <- struct{}{}
		}()
	}
	var p limiter.Position
	tokens := int64(0) // for which the fleet waits, as far as Redis knows
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for limit := time.After(time.Minute); tokens < callers*95/100; {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%d lanes are in line for %d tokens", len(p.Line), tokens)
		}
		var err error
		if p, err = limiter.ReadPosition(t.Context(), rdb, limiter.DefaultNamespace, "tracks", "global"); err != nil {
			t.Fatal(err)
		}
		tokens = 0
		for _, w := range p.Line {
			tokens += w.Tokens
		}
	}
	const times = 20
	if err := rdb.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range times {
		if _, err := limiter.ReadPosition(t.Context(), rdb, limiter.DefaultNamespace, "tracks", "global"); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begun) / times
	text, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	us, zranges := 0.0, 0
	for line := range strings.Lines(text) {
		for _, name := range []string{"time", "hgetall", "zrange"} { // lanes use these commands only in scripts
			rest, ok := strings.CutPrefix(line, "cmdstat_"+name+":calls=")
			if !ok {
				continue
			}
			parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ',' || r == '=' })
			n, _ := strconv.ParseFloat(parts[2], 64)
			us += n
			if name == "zrange" {
				zranges, _ = strconv.Atoi(parts[0])
			}
		}
	}
	t.Logf("%d lanes in line for %d tokens, the first of %d callers in %v: %.0f µs of Redis, %v in all", len(p.Line), tokens, callers, p.In.Round(time.Second), us/times, took.Round(10*time.Microsecond))
	if zranges < 4*times {
		t.Errorf("%d commands have read lines", zranges)
	}
	cancel()
	for range callers {
		<-ended
	}
	for _, l := range fleet {
		closeLimiter(t, l)
	}
}
