package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

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

// serve starts a Redis with a fleet of one replica in it, and points REDIS_URL there.
func serve(t *testing.T) *miniredis.Miniredis {
	m := miniredis.RunT(t)
	t.Setenv("REDIS_URL", "redis://:hunter2@"+m.Addr())
	t.Setenv("WEIR_NAMESPACE", "shop")
	m.RequireAuth("hunter2")
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Password: "hunter2"})
	t.Cleanup(func() { _ = rdb.Close() })
	l, err := limiter.New(t.Context(), rdb, limiter.Config{
		Namespace: "shop", Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {{Tokens: 5, Per: 24 * time.Hour, Burst: 5}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.WithoutCancel(t.Context())) })
	// The burst, then what comes within the horizon, and a place in line for the rest. On a busy machine a token or two have come
	// before they are asked for.
	for _, n := range []int{40, 22} {
		if _, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: n}); err != nil {
			t.Fatal(err)
		}
	}
	said, err := json.Marshal(fleet.Replica{ID: "0123456789", Addr: "10.0.0.1:8080", Slots: 10, Pending: 7, InFlight: 2, Done: 100, Failed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lua.Heartbeat(t.Context(), rdb, "shop", "0123456789", said, time.Minute, time.Hour); err != nil {
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
	var r report
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(&r); err != nil || in.More() {
		t.Fatalf("%v: %s", err, stdout)
	}
	if r.Schema != schema || r.Namespace != "shop" || r.Grants > 56 || len(r.Buckets) != 2 || len(r.Replicas) != 1 {
		t.Fatalf("%+v", r)
	}
	if b := r.Buckets[0]; b.Name != "global" || b.Rate != 40 || b.Burst != 40 || b.Tokens != 0 || b.Debt < 3 || b.Debt > 12 || b.Waiting < 5 || b.Waiting > 13 {
		t.Errorf("bucket in debt by the horizon, with twelve in line: %+v", b)
	}
	if v := r.Replicas[0]; v.ID != "0123456789" || v.State != "up" || *v.Pending != 7 || *v.InFlight != 2 || *v.Done != 100 || *v.Failed != 1 {
		t.Errorf("replica %s", stdout)
	}
	if after := m.Dump(); after != before {
		t.Errorf("looking changed Redis:\n%s\n%s", before, after)
	}
}

func TestTablesForAPerson(t *testing.T) {
	serve(t)
	status, stdout, _ := run()
	if status != cli.OK {
		t.Fatal(status)
	}
	for _, want := range []string{"Namespace shop", "BUCKET", "global", "40/s", "5 per 24h0m0s", "REPLICA", "01234567", "up", "100", "10.0.0.1:8080"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("lacks %q:\n%s", want, stdout)
		}
	}
	status, stdout, _ = run("--namespace", "nobody")
	if status != cli.OK || !strings.Contains(stdout, "Nobody has used namespace nobody") {
		t.Errorf("status %d: %s", status, stdout)
	}
}

func TestExitStatus(t *testing.T) {
	locked, denied := miniredis.RunT(t), miniredis.RunT(t)
	locked.RequireAuth("another")
	denied.SetError("NOPERM this user has no permissions to run the 'hgetall' command")
	for name, c := range map[string]struct {
		url    string
		args   []string
		status int
		says   string
	}{
		"redis not there":  {"redis://:hunter2@127.0.0.1:1", nil, cli.Unreachable, "127.0.0.1:1"},
		"wrong password":   {"redis://:hunter2@" + locked.Addr(), nil, cli.Unreachable, "refuses: WRONGPASS"},
		"no password":      {"redis://" + locked.Addr(), nil, cli.Unreachable, "refuses: NOAUTH"},
		"not allowed":      {"redis://" + denied.Addr(), nil, cli.Unreachable, "refuses: NOPERM"},
		"url not a url":    {"redis://:hunter2@a:b", nil, cli.Usage, "REDIS_URL"},
		"unknown flag":     {"", []string{"--bogus"}, cli.Usage, "--bogus"},
		"namespace":        {"", []string{"--namespace", "a b"}, cli.Usage, "namespace"},
		"timeout negative": {"", []string{"--timeout=-1s"}, cli.Usage, "timeout"},
	} {
		t.Setenv("REDIS_URL", c.url)
		status, stdout, stderr := run(c.args...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: status %d, want %d: %q %q", name, status, c.status, stdout, stderr)
		}
	}
}

// TestLostReplicaSaysNothingItDoesNotKnow: what is unknown is null, never 0.
func TestLostReplicaSaysNothingItDoesNotKnow(t *testing.T) {
	r := newReport("n", "a", limiter.Snapshot{}, []fleet.Seen{{Replica: fleet.Replica{ID: "gone"}, Age: time.Minute, Lost: true}})
	text, err := json.Marshal(r.Replicas[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"state":"lost"`, `"pending":null`, `"done":null`, `"heartbeat_age_ms":60000`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// TestNotesTellWhatIsUnusual: at three in the morning the reason why nothing starts is in the table.
func TestNotesTellWhatIsUnusual(t *testing.T) {
	limit := limiter.PerSecond(40, 40)
	for note, b := range map[string]limiter.BucketSnapshot{
		"":                        {},
		"paused; set at run time": {PausedFor: limiter.UntilResumed, Set: true},
		"paused for 90 s":         {PausedFor: 90 * time.Second},
		"held for 90 s, as a provider asked crawler-2 at 03:04:05 UTC": {
			PausedFor: 90 * time.Second, HeldBy: "crawler-2", HeldSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Served: 1,
		},
		"follows its provider: 24.8/s": {Served: 0.62},
		"replicas disagree: 2 want 40 per 1s, burst 40, 1 want 7 in any 2s": {Wanted: []limiter.Wanted{
			{Limits: []limiter.Limit{limit}, Replicas: []string{"a", "b"}},
			{Limits: []limiter.Limit{limiter.PerWindow(7, 2*time.Second)}, Replicas: []string{"c"}},
		}},
	} {
		b.Bucket, b.Limit = "global", limit
		r := newReport("n", "a", limiter.Snapshot{Epoch: "e", Buckets: []limiter.BucketSnapshot{b}}, nil)
		if got := r.Buckets[0].note(); got != note {
			t.Errorf("note %q, want %q", got, note)
		}
		var table strings.Builder
		if err := r.print(&table); err != nil || !strings.Contains(table.String(), note) {
			t.Errorf("%v: lacks %q:\n%s", err, note, table.String())
		}
		if text, err := json.Marshal(r.Buckets[0]); err != nil || b.PausedFor == limiter.UntilResumed && !strings.Contains(string(text), `"paused":true,"paused_ms":null`) {
			t.Errorf("%s, %v", text, err)
		}
	}
}
