package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// took calls the functions in turn, a number of times. It returns the times of all runs of scripts, in µs, from Redis' slow log, by the
// first key of the script. Two functions that are compared run in turn, so that both are measured under the same load.
func (s *session) took(ctx context.Context, times int, do ...func() error) (map[string][]float64, error) {
	const enough = 5 * time.Second // no further calls after this time, because the former scripts take seconds
	for _, d := range do {         // the first calls load scripts and queue lanes
		if times > 1 {
			if err := d(); err != nil {
				return nil, err
			}
		}
	}
	if err := watch(ctx, s.rdb, 5*time.Microsecond); err != nil {
		return nil, err
	}
	began := time.Now()
	for n := 0; n < times && (n < 2 || time.Since(began) < enough); n++ {
		for _, d := range do {
			if err := d(); err != nil {
				return nil, err
			}
		}
	}
	seen, err := watched(ctx, s.rdb)
	if err == nil && len(seen) < len(do) {
		err = fmt.Errorf("the slow log has scripts of %d namespaces, want %d", len(seen), len(do))
	}
	return seen, err
}

// watch makes Redis record commands that take longer than over in its slow log. over must not be 0: Redis would then record each command
// of a script, too, and the script would take longer.
func watch(ctx context.Context, rdb *redis.Client, over time.Duration) error {
	if err := rdb.ConfigSet(ctx, "slowlog-max-len", "10000").Err(); err != nil {
		return err
	}
	if err := rdb.ConfigSet(ctx, "slowlog-log-slower-than", strconv.FormatInt(over.Microseconds(), 10)).Err(); err != nil {
		return err
	}
	return rdb.SlowLogReset(ctx).Err()
}

// watched ends the record that watch began, and returns the times of the recorded scripts, in µs, by the first key of the script.
func watched(ctx context.Context, rdb *redis.Client) (map[string][]float64, error) {
	if err := rdb.ConfigSet(ctx, "slowlog-log-slower-than", "-1").Err(); err != nil {
		return nil, err
	}
	entries, err := rdb.SlowLogGet(ctx, -1).Result()
	if err != nil {
		return nil, err
	}
	return byKey(entries), rdb.SlowLogReset(ctx).Err()
}

func byKey(entries []redis.SlowLog) map[string][]float64 {
	out := map[string][]float64{}
	for _, e := range entries {
		if len(e.Args) > 3 && e.Args[0] == "evalsha" {
			out[e.Args[3]] = append(out[e.Args[3]], float64(e.Duration.Microseconds()))
		}
	}
	return out
}
