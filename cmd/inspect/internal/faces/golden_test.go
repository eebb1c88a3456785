package faces_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

var update = flag.Bool("update", false, "write the golden files")

// shop returns the report of a fleet with buckets and replicas in many states.
func shop(t *testing.T) *report.Report {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	turn, eta := int64(120), int64(61_000)
	busy := limiter.Record{
		Version: 1, ID: "crawler-1", Host: "web-1", PID: 17, Build: "v1.2.0", Started: at.Add(-2 * time.Hour), EveryMS: 2000, Calls: 512, Waiting: 3, OldestMS: 1500,
		Routes: []limiter.RouteRecord{
			{Route: "lastfm", Buckets: []string{"lastfm", "global"}, Waiting: 3, OldestMS: 1500, TurnMS: &turn, Reserved: 2},
			{Route: "global", Buckets: []string{"global"}},
		},
		Buckets: map[string]limiter.BucketRecord{"lastfm": {Used: 900, UsedS: 4.5, Refused: 7, RefusedS: 0.3}, "global": {Used: 1800, UsedS: 38.25}},
	}
	raw, err := json.Marshal(busy)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet.Fleet{
		Namespace: "shop", Redis: fleet.Redis{"redis_version": "7.4.1", "role": "master", "used_memory": "1048576", "maxmemory": "0", "maxmemory_policy": "noeviction", "evicted_keys": "0"},
		Snapshot: limiter.Snapshot{At: at, Epoch: "5f1c2d3e-aaaa", Grants: 12345, Version: 3, Live: 2, Buckets: []limiter.BucketSnapshot{
			{Bucket: "global", Limit: limiter.PerSecond(40, 40), Served: 1, Debt: 2.5, Waiting: 12},
			{Bucket: "lastfm", Limit: limiter.PerSecond(5, 5), Served: 0.9, Tokens: 1.25},
			{Bucket: "a-bucket-with-a-name-that-does-not-fit-into-eighty-columns", Limit: limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}, Served: 1, Tokens: 400},
			{Bucket: "anthropic", Limit: limiter.PerWindow(50, time.Minute), Served: 1, PausedFor: 90 * time.Second, HeldBy: "crawler-1", HeldSince: at.Add(-time.Minute), Tokens: 50},
			{Bucket: "spotify", Limit: limiter.PerSecond(10, 10), Served: 1, Tokens: 10, Set: true, Wanted: []limiter.Wanted{
				{Limits: []limiter.Limit{limiter.PerSecond(10, 10)}, Replicas: []string{"crawler-1"}}, {Limits: []limiter.Limit{limiter.PerSecond(20, 10)}, Replicas: []string{"crawler-2"}},
			}},
		}},
		Replicas: []fleet.Replica{
			{Record: busy, State: fleet.Up, Age: 800 * time.Millisecond, Raw: raw, Server: &fleet.Server{Addr: "10.0.0.1:8080"}, Tasks: &fleet.Tasks{
				Slots: 10, Pending: 40, InFlight: 4, Done: 1700, Failed: 3,
				Lanes:   []fleet.Lane{{Route: "lastfm", Urgent: 1, Normal: 30, Background: 9, OldestMS: 9000, InFlight: 4, EtaMS: &eta, ShutMS: 5, Reason: "error 29"}},
				Batches: []fleet.Batch{{ID: "nightly", Done: 27, Total: 67, Failed: 2}},
			}},
			{Record: limiter.Record{ID: "crawler-2"}, State: fleet.Lost, Age: 41 * time.Second},
			{Record: limiter.Record{ID: "from-the-future"}, State: fleet.Unknown, Age: time.Second},
		},
	}
	r := report.New("10.0.0.5:6379", f)
	r.Cost = report.Cost{Commands: 10, Bytes: 9120, MS: 3.125}
	return r
}

// TestGolden compares each output with its golden file. go test -update writes the files.
func TestGolden(t *testing.T) {
	r := shop(t)
	for name, write := range map[string]func(*strings.Builder) error{
		"table-80.txt": func(b *strings.Builder) error { return faces.Table(b, r, 80, false) },
		"table-60.txt": func(b *strings.Builder) error { return faces.Table(b, r, 60, false) },
		"wide-200.txt": func(b *strings.Builder) error { return faces.Table(b, r, 200, true) },
		"report.json":  func(b *strings.Builder) error { return faces.JSON(b, r, true) },
		"report.prom":  func(b *strings.Builder) error { return faces.Prom(b, r) },
		"events-80.txt": func(b *strings.Builder) error {
			return faces.Events(b, []report.Event{{At: r.At, Of: "bucket global", What: "paused for 1h0m0s", By: "kim@bastion"}}, 80)
		},
		"events-none.txt": func(b *strings.Builder) error { return faces.Events(b, nil, 80) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestTablesKeepTheirWidth checks that no line is wider than the tables may be, for all widths from 40 to 240.
func TestTablesKeepTheirWidth(t *testing.T) {
	r := shop(t)
	for width := 40; width <= 240; width++ {
		for _, wide := range []bool{false, true} {
			var b strings.Builder
			if err := faces.Table(&b, r, width, wide); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
					t.Fatalf("%d columns in %d: %s", n, width, line)
				}
			}
		}
	}
}
