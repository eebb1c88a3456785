package faults

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// redisRows are the rows whose faults are Redis' own.
func redisRows() []Row {
	return []Row{{
		Number: 7, Name: "lost memory", CI: true, Fault: "FLUSHALL, and a kill with an empty restart, five times in turn",
		Marks: []Mark{law(), noneFailed(), silenceAtMost(1250 * time.Millisecond)},
		Play:  loseMemory,
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

// commands is how often Redis has run a command, since the last CONFIG RESETSTAT.
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
