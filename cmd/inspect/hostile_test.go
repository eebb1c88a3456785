package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/fleet"
)

// TestNothingInRedisReachesTheTerminal checks that a text in Redis cannot control a terminal: no output has a control character of a name, of a
// record, or of an error that Redis replies.
func TestNothingInRedisReachesTheTerminal(t *testing.T) {
	m := serve(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Password: "hunter2"})
	defer rdb.Close()
	const evil = "a\x1b[2J\x9b31m\u202eb\x07\r"
	section, err := json.Marshal(map[string]any{"addr": evil, "version": evil, "lanes": []map[string]any{{"route": evil, "waiting": 3}}, "batches": []map[string]any{{"name": evil, "pending": 3}}})
	if err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(limiter.Record{
		Version: limiter.RecordVersion, ID: evil, Host: evil, EveryMS: 2000,
		Routes:   []limiter.RouteRecord{{Route: evil, Buckets: []string{evil, "global"}, Waiting: 3}},
		Buckets:  map[string]limiter.BucketRecord{evil: {Used: 3, UsedS: 1}, "global": {Used: 3, UsedS: 1}},
		Wants:    map[string]string{evil: evil, "global": evil},
		Sections: map[string]json.RawMessage{fleet.TasksSection: section, fleet.ServerSection: section, evil: section},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{evil, "plain"} {
		text := record
		if id == "plain" {
			text = []byte(evil)
		}
		if _, err := lua.Heartbeat(t.Context(), rdb, "shop", id, text, time.Minute, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	shown := 0
	look := func(args ...string) {
		t.Helper()
		status, out, errs := run(args...)
		for _, text := range []string{out, errs} {
			shown += strings.Count(text, "?[2J")
			for _, r := range text {
				if r != '\n' && cli.Hidden(r) {
					t.Errorf("%v, status %d: %q in %.300q", args, status, r, text)
					break
				}
			}
		}
	}
	for _, output := range []string{"table", "wide", "json", "jsonl", "prom"} {
		look("show", "-o", output)
		look("show", "-o", output, "--filter", "a")
	}
	look("why", "global")
	look("why", "--json", "global")
	look("why", evil)
	look("check")
	look("check", "--fail-if", "up > 0")
	look("pause", evil, "--write", "--yes")
	look("events")
	look("events", "--json")
	look("show", "--namespace", evil)
	m.SetError("ERR " + strings.ReplaceAll(evil, "\r", ""))
	look("show")
	look("events")
	t.Logf("%d names were shown without their control characters", shown)
	if shown < 5 {
		t.Errorf("%d names were shown, want 5 or more", shown)
	}
}
