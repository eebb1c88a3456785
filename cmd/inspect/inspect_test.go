package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/fleet"
)

func run(args ...string) (status int, stdout, stderr string) {
	cli.QuietRedis()
	var out, errs bytes.Buffer
	status = cli.Main("inspect", description, &inspectCmd{}, args, cli.Streams{Out: &out, Err: &errs})
	return status, out.String(), errs.String()
}

// serve starts a Redis that holds a fleet of one replica, and sets REDIS_URL to its address.
func serve(t *testing.T) *miniredis.Miniredis {
	m := miniredis.RunT(t)
	t.Setenv("REDIS_URL", "redis://:hunter2@"+m.Addr())
	t.Setenv("WEIR_NAMESPACE", "shop")
	m.RequireAuth("hunter2")
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Password: "hunter2"})
	t.Cleanup(func() { _ = rdb.Close() })
	l, err := limiter.New(t.Context(), rdb, limiter.Config{
		Publish: -1, Namespace: "shop", Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {{Tokens: 5, Per: 24 * time.Hour, Burst: 5}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.WithoutCancel(t.Context())) })
	// The first run takes the burst. The second takes the tokens within the horizon, and queues for the rest, which is seconds of the rate: on a busy
	// machine many tokens are refilled before the second request.
	for _, n := range []int{40, 240} {
		if _, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: n}); err != nil {
			t.Fatal(err)
		}
	}
	other := limiter.Record{Version: limiter.RecordVersion, ID: "0123456789", Host: "crawler", EveryMS: 2000, Sections: map[string]json.RawMessage{
		fleet.TasksSection: json.RawMessage(`{"slots":10,"pending":7,"in_flight":2,"done":100,"failed":1}`), fleet.ServerSection: json.RawMessage(`{"addr":"10.0.0.1:8080"}`),
	}}
	text, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lua.Heartbeat(t.Context(), rdb, "shop", other.ID, text, time.Minute, time.Hour); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestJSONIsOneObject(t *testing.T) {
	m := serve(t)
	before := m.Dump()
	status, stdout, stderr := run("--json")
	if status != cli.OK || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var r report.Report
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil || in.More() {
		t.Fatalf("%v: %s", err, stdout)
	}
	if r.Schema != report.Schema || r.Namespace != "shop" || r.Grants > 160 || len(r.Buckets) != 2 || len(r.Replicas) != 1 {
		t.Fatalf("%+v", r)
	}
	if b := r.Buckets[0]; b.Name != "global" || b.Rate != 40 || b.Burst != 40 || b.Debt > 12 || b.Waiting < 120 || b.Waiting > 230 || b.State != report.Waiting {
		t.Errorf("a bucket with about 200 tokens in line: %+v", b)
	}
	if v := r.Replicas[0]; v.ID != "0123456789" || v.State != "up" || *v.Pending != 7 || *v.InFlight != 2 || *v.Done != 100 || *v.Failed != 1 {
		t.Errorf("replica %s", stdout)
	}
	if after := m.Dump(); after != before {
		t.Errorf("inspect has changed Redis. Before:\n%s\nAfter:\n%s", before, after)
	}
}

func TestTablesForAPerson(t *testing.T) {
	m := serve(t)
	status, stdout, _ := run()
	if status != cli.OK {
		t.Fatal(status)
	}
	for _, want := range []string{"shop on ", "BUCKET", "global", "waiting", "40/s", "5 per 1d", "REPLICA", "0123456789", "up", "100", "crawler"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("lacks %q:\n%s", want, stdout)
		}
	}
	if _, wide, _ := run("-o", "wide", "--width", "200"); !strings.Contains(wide, "10.0.0.1:8080") || !strings.Contains(wide, "IN LINE") {
		t.Error(wide)
	}
	if _, again, _ := run("--filter", "!glob"); strings.Contains(again, "global") || !strings.Contains(again, "spotify") {
		t.Errorf("filtered:\n%s", again)
	}
	for line := range strings.Lines(stdout) {
		if n := len([]rune(line)); n > 81 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	status, stdout, stderr := run("--namespace", "nobody")
	if status != nobodyStatus || !strings.Contains(stdout, "Nobody has used namespace nobody") || !strings.Contains(stderr, "no replica of namespace nobody") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	if err := m.Set("{shop}:replica:0123456789", "{}"); err != nil {
		t.Fatal(err)
	}
	if status, stdout, _ = run("-o", "jsonl"); status != partialStatus || !strings.Contains(stdout, `"partial":true`) || !strings.Contains(stdout, `"state":"unknown"`) {
		t.Errorf("status %d: %s", status, stdout)
	}
	if _, stdout, _ = run("-o", "prom"); !strings.Contains(stdout, `weir_bucket_rate{namespace="shop",bucket="global",limit="40/s"} 40`) || !strings.Contains(stdout, `weir_fleet_replicas{namespace="shop",state="unknown"} 1`) {
		t.Error(stdout)
	}
}

// TestCheck checks the exit status of check, 4 if its condition is true, and that the error names the values.
func TestCheck(t *testing.T) {
	m := serve(t)
	status, stdout, stderr := run("check")
	if status != cli.OK || stdout != "ok: lost 0, disagreements 0, unknown 0\n" {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	status, stdout, stderr = run("check", "--fail-if", "waiting > 5 || oldest > 30s")
	if status != failedStatus || stdout != "" || !strings.Contains(stderr, "waiting 7, oldest 0") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	if status, _, stderr = run("check", "--fail-if", "latest > 5"); status != cli.Usage || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d: %s", status, stderr)
	}
	if status, _, _ = run("check", "--redis"); status != failedStatus { // miniredis reports few of its settings
		t.Errorf("status %d for a Redis that reports too few settings", status)
	}
	if err := m.Set("{shop}:replica:0123456789", "{}"); err != nil {
		t.Fatal(err)
	}
	if status, _, _ = run("check", "--fail-if", "lost > 0"); status != partialStatus {
		t.Errorf("status %d for a record that cannot be read", status)
	}
	if status, _, _ = run("check", "--namespace", "nobody"); status != nobodyStatus {
		t.Errorf("status %d for a namespace without replicas", status)
	}
	m.Close()
	if status, _, _ = run("check"); status != cli.Unreachable {
		t.Errorf("status %d without Redis", status)
	}
}

func TestExitStatus(t *testing.T) {
	locked, denied := miniredis.RunT(t), miniredis.RunT(t)
	locked.RequireAuth("another")
	secret := httptest.NewTLSServer(nil)
	defer secret.Close()
	encrypted, err := miniredis.RunTLS(secret.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer encrypted.Close()
	denied.SetError("NOPERM this user has no permissions to run the 'hgetall' command")
	for name, c := range map[string]struct {
		url    string
		args   []string
		status int
		want   string
	}{
		"redis not there":  {"redis://:hunter2@127.0.0.1:1", nil, cli.Unreachable, "127.0.0.1:1"},
		"wrong password":   {"redis://:hunter2@" + locked.Addr(), nil, cli.Unreachable, "refuses: WRONGPASS"},
		"no password":      {"redis://" + locked.Addr(), nil, cli.Unreachable, "refuses: NOAUTH"},
		"not allowed":      {"redis://" + denied.Addr(), nil, cli.Unreachable, "refuses: NOPERM"},
		"no TLS there":     {"rediss://" + locked.Addr(), []string{"--timeout", "300ms"}, cli.Unreachable, "if this port is without TLS, REDIS_URL has to begin with redis://"},
		"not trusted":      {"rediss://" + encrypted.Addr(), nil, cli.Unreachable, "TLS failed: x509"},
		"TLS there":        {"redis://" + encrypted.Addr(), []string{"--timeout", "300ms"}, cli.Unreachable, "TLS"},
		"url not a url":    {"redis://:hunter2@a:b", nil, cli.Usage, "REDIS_URL"},
		"unknown flag":     {"", []string{"--bogus"}, cli.Usage, "--bogus"},
		"namespace":        {"", []string{"--namespace", "a b"}, cli.Usage, "namespace"},
		"filter":           {"", []string{"--filter", "("}, cli.Usage, "filter"},
		"output":           {"", []string{"-o", "xml"}, cli.Usage, "--output"},
		"watch":            {"", []string{"--watch", "1ms"}, cli.Usage, "watch"},
		"once and watch":   {"", []string{"--once", "--watch", "1s"}, cli.Usage, "contradict"},
		"once and tui":     {"", []string{"--once", "-o", "tui"}, cli.Usage, "contradict"},
		"tui into a file":  {"", []string{"-o", "tui"}, cli.Usage, "needs a terminal"},
		"stale":            {"", []string{"--stale", "0s"}, cli.Usage, "stale"},
		"width":            {"", []string{"--width", "3"}, cli.Usage, "width"},
		"timeout negative": {"", []string{"--timeout=-1s"}, cli.Usage, "timeout"},
	} {
		t.Setenv("REDIS_URL", c.url)
		status, stdout, stderr := run(c.args...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: status %d, want %d: %q %q", name, status, c.status, stdout, stderr)
		}
	}
}

// TestAnotherVersionIsNamed checks the error about records of another version: it names both versions and says what to do.
func TestAnotherVersionIsNamed(t *testing.T) {
	m := miniredis.RunT(t)
	t.Setenv("REDIS_URL", "redis://"+m.Addr())
	for stored, todo := range map[string]string{"3": "the program of that version", "5": "replace it by the newer version"} {
		m.FlushAll()
		m.HSet("{weir}:state", "epoch", stored+" some-6ba7b810 1 1800000000000000 ")
		for _, args := range [][]string{{"show"}, {"check"}, {"why", "global"}, {"limit", "global", "2/s", "--write", "--yes"}} {
			status, _, errs := run(args...)
			if status == cli.OK || !strings.Contains(errs, "version "+stored) || !strings.Contains(errs, "version 4") || !strings.Contains(errs, todo) ||
				strings.Contains(errs, "does not answer") {
				t.Errorf("%v with records of version %s: status %d: %s", args, stored, status, errs)
			}
		}
	}
}
