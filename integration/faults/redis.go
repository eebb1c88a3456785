package faults

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisRows returns the rows in which Redis loses keys or scripts.
func redisRows() []Row {
	return []Row{{
		Number: 7, Name: "lost memory", CI: true, Fault: "FLUSHALL, and SIGKILL with an empty restart, in turn",
		Marks: []Mark{law(), noneFailed(), silenceAtMost(1250 * time.Millisecond)},
		Play:  loseMemory,
	}, {
		Number: 9, Name: "evictions", Fault: "Redis is full of other keys and evicts, 6 s by volatile-lru, 6 s by allkeys-lru and 6 s by allkeys-random",
		Marks: []Mark{law(), noneFailed(), atLeast("keys evicted", 1000)},
		Play:  evict,
	}, {
		Number: 11, Name: "script flush", CI: true, Fault: "SCRIPT FLUSH every 100 ms for 10 s, 500 callers",
		Config: Config{Docker: true, Tasks: 125},
		Marks:  []Mark{law(), noneFailed(), atMost(evals, 1)},
		Play:   flushScripts,
	}}
}

const evals = "EVAL ÷ EVALSHA"

func loseMemory(ctx context.Context, w *World) error {
	w.Fault()
	for i := range few(w, 3, 5) {
		if i%2 == 0 {
			if err := w.Redis.Admin.FlushAll(ctx).Err(); err != nil {
				return err
			}
		} else {
			if err := w.Redis.Kill(); err != nil {
				return err
			}
			if err := w.Redis.Start(ctx); err != nil {
				return err
			}
		}
		if err := w.Busy(ctx, 2); err != nil {
			return err
		}
	}
	return nil
}

func flushScripts(ctx context.Context, w *World) error {
	if err := w.Redis.Admin.ConfigResetStat(ctx).Err(); err != nil {
		return err
	}
	w.Fault()
	w.from = w.Provider.Now()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for range 100 {
		if err := w.Redis.Admin.ScriptFlush(ctx).Err(); err != nil {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	bySum, err := w.commands(ctx, "evalsha")
	if err != nil {
		return err
	}
	whole, err := w.commands(ctx, "eval")
	if err != nil {
		return err
	}
	w.Note("EVALSHA", bySum)
	w.Note("EVAL", whole)
	w.Note(evals, whole/max(1, bySum))
	return nil
}

// commands returns how often Redis has run a command since the last CONFIG RESETSTAT.
func (w *World) commands(ctx context.Context, name string) (float64, error) {
	info, err := w.Redis.Admin.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(fmt.Sprintf(`cmdstat_%s:calls=(\d+)`, name)).FindStringSubmatch(info)
	if m == nil {
		return 0, nil
	}
	return strconv.ParseFloat(m[1], 64)
}

func evict(ctx context.Context, w *World) error {
	w.Fault()
	admin := w.Redis.Admin
	if err := admin.ConfigSet(ctx, "maxmemory", "4mb").Err(); err != nil {
		return err
	}
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	n, value := 0, strings.Repeat("x", 10_000)
	for _, policy := range []string{"volatile-lru", "allkeys-lru", "allkeys-random"} {
		if err := admin.ConfigSet(ctx, "maxmemory-policy", policy).Err(); err != nil {
			return err
		}
		for until := w.Provider.Now() + 6*time.Second; w.Provider.Now() < until; {
			select {
			case <-every.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			for range 10 {
				n++
				err := admin.Set(ctx, fmt.Sprint("key", n), value, time.Hour).Err()
				if err != nil && !redis.HasErrorPrefix(err, "OOM") { // the buffers of the connections may leave no memory for another key
					return err
				}
			}
		}
	}
	info, err := admin.Info(ctx, "stats").Result()
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(info, "evicted_keys:")
	number, _, _ := strings.Cut(rest, "\r\n")
	evicted, err := strconv.ParseFloat(number, 64)
	w.Note("keys evicted", evicted)
	w.until = w.Provider.Now()
	return err
}
