package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// TestActions checks that each action needs --write, asks for its name, changes the fleet, and is recorded.
func TestActions(t *testing.T) {
	m := miniredis.RunT(t)
	t.Setenv("REDIS_URL", "redis://"+m.Addr())
	t.Setenv("SUDO_USER", "kim")
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	cfg := limiter.SingleBucket("global", limiter.PerSecond(40, 40))
	cfg.Replica = "crawler-1"
	l, err := limiter.New(t.Context(), rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(context.WithoutCancel(t.Context())) }()
	bucket := func() limiter.BucketSnapshot {
		s, err := limiter.ReadSnapshot(t.Context(), rdb, "weir")
		if err != nil {
			t.Fatal(err)
		}
		return s.Buckets[0]
	}
	for _, args := range [][]string{
		{"pause", "global"}, {"resume", "global"}, {"limit", "global", "2/s"}, {"restore", "global", "3"}, {"unlearn", "global"}, {"shadow", "on"}, {"shadow", "on", "--bucket", "global"}, {"drain", "crawler-1"}, {"forget", "crawler-1"},
	} {
		if status, out, errs := run(args...); status != cli.Usage || !strings.Contains(errs, "--write") || out != "" {
			t.Errorf("%v: status %d: %s%s", args, status, out, errs)
		}
		// The input of the test is not a terminal, so nobody can type the name.
		if status, out, errs := run(append(args, "--write")...); status != cli.Usage || !strings.Contains(errs, "add --yes") || out != "" {
			t.Errorf("%v: status %d: %s%s", args, status, out, errs)
		}
	}
	if b := bucket(); b.PausedFor != 0 || b.Set {
		t.Errorf("a refused action has changed the bucket: %+v", b)
	}
	do := func(args ...string) string {
		t.Helper()
		status, out, errs := run(append(args, "--write", "--yes")...)
		if status != cli.OK || errs != "" {
			t.Errorf("%v: status %d: %s", args, status, errs)
		}
		return out
	}
	if out := do("pause", "global", "--for", "1h"); out != "Pause bucket global for 1h0m0s: done\n" {
		t.Error(out)
	}
	if b := bucket(); b.PausedFor < 59*time.Minute || b.PausedFor > time.Hour {
		t.Errorf("%+v", b)
	}
	do("pause", "global")
	if b := bucket(); b.PausedFor != limiter.UntilResumed {
		t.Errorf("%+v", b)
	}
	do("resume", "global")
	do("limit", "global", "2/s:1", "100/1m:window")
	if s, err := limiter.ReadSnapshot(t.Context(), rdb, "weir"); err != nil || len(s.Buckets) != 2 || !s.Buckets[0].Set || s.Buckets[0].Limit.Rate() != 2 || !s.Buckets[1].Limit.Window {
		t.Errorf("%+v, %v", s, err)
	}
	do("limit", "global")
	do("restore", "global", "3")
	if b := bucket(); b.Tokens < 3 || b.Tokens > 30 {
		t.Errorf("%+v", b)
	}
	do("unlearn", "global")
	do("shadow", "on")
	do("shadow", "as-configured")
	do("shadow", "on", "--bucket", "global")
	if b := bucket(); !b.Shadowed {
		t.Errorf("%+v", b)
	}
	if status, out, errs := run("why", "global"); status != cli.OK || !strings.Contains(out, "could start at once.\nBucket global is in shadow mode and delays nobody.") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if _, out, _ := run("-o", "table"); !strings.Contains(out, "bucket global: shadow mode: delays nobody") {
		t.Error(out)
	}
	do("shadow", "off", "--bucket", "global")
	do("drain", "crawler-1")
	if order := rdb.Get(t.Context(), lua.Keys("weir").Order("crawler-1")).Val(); !strings.HasPrefix(order, "drain ") {
		select {
		case <-l.Draining(): // the replica has read the order already
		default:
			t.Errorf("the replica's order is %q", order)
		}
	}
	for _, args := range [][]string{
		{"pause", "globe"}, {"forget", "crawler-1"}, {"drain", "nobody"}, {"limit", "global", "2"}, {"limit", "global", "0/s"}, {"limit", "global", "2/s:0"}, {"shadow", "maybe"}, {"shadow", "on", "--bucket", "globe"}, {"shadow", "as-configured", "--bucket", "global"}, {"restore", "global", "many"}, {"unlearn", "globe"}, {"pause", "global", "--for=-1s"},
	} {
		if status, out, errs := run(append(args, "--write", "--yes")...); status != cli.Usage || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d: %s%s", args, status, out, errs)
		}
	}
	status, out, errs := run("events", "--width", "120")
	if status != cli.OK || errs != "" {
		t.Fatalf("status %d: %s", status, errs)
	}
	var lines []string
	for line := range strings.Lines(out) {
		_, what, _ := strings.Cut(line, "kim@")
		if _, what, ok := strings.Cut(what, "  "); ok {
			lines = append(lines, strings.TrimSpace(what))
		}
	}
	want := "replica crawler-1: asked to drain|bucket global: limits again (no shadow mode)|bucket global: delays nobody (shadow mode)|fleet: shadow mode as configured|fleet: shadow mode on|bucket global: forgets what it has learnt of its provider|bucket global: level set to 3 tokens|bucket global: limit as configured|" +
		"bucket global: limit set to 100 in any 1m0s and 2 per 1s, burst 1|bucket global: resumed|bucket global: paused until resumed|bucket global: paused for 1h0m0s"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("recorded: %s\n%s", got, out)
	}
	if _, out, _ := run("events", "--json", "-n", "1"); !strings.Contains(out, `"of":"replica crawler-1","what":"asked to drain","by":"kim@`) || strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
	m.Close()
	for _, args := range [][]string{{"pause", "global", "--write", "--yes"}, {"events"}} {
		if status, _, errs := run(args...); status != cli.Unreachable || !strings.Contains(errs, "does not answer") {
			t.Errorf("%v without Redis: status %d: %s", args, status, errs)
		}
	}
}

// TestTyped checks that only the same name is accepted.
func TestTyped(t *testing.T) {
	for line, ok := range map[string]bool{"global\n": true, "global": true, " global \r\n": true, "globe\n": false, "\n": false, "": false, "y\n": false} {
		if err := typed(strings.NewReader(line), "global"); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
}
