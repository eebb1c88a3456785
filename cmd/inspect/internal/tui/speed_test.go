package tui

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// large returns a model that has read 100 replicas and 50 buckets for a minute.
func large() *model {
	m := newModel(Config{Namespace: "shop", Addr: "10.0.0.5:6379"}, nil)
	m.now, m.width, m.height = began, 200, 50
	for s := 0; s <= 60; s += 2 {
		f := &fleet.Fleet{Namespace: "shop", Snapshot: limiter.Snapshot{At: began.Add(time.Duration(s) * time.Second), Epoch: "e"}}
		for i := range 50 {
			f.Buckets = append(f.Buckets, limiter.BucketSnapshot{Bucket: fmt.Sprintf("bucket-%02d", i), Limit: limiter.PerSecond(int64(10+i), 10), Served: 1, Waiting: float64(i % 3)})
		}
		for i := range 100 {
			rec := limiter.Record{Version: 1, ID: fmt.Sprintf("replica-%03d", i), Host: fmt.Sprintf("web-%d", i), Buckets: map[string]limiter.BucketRecord{}}
			for j := range 50 {
				rec.Buckets[f.Buckets[j].Bucket] = limiter.BucketRecord{Used: int64(s * (i + j)), UsedS: float64(i + j)}
				rec.Routes = append(rec.Routes, limiter.RouteRecord{Route: fmt.Sprintf("route-%02d", j), Buckets: []string{f.Buckets[j].Bucket}, Waiting: i})
			}
			f.Replicas = append(f.Replicas, fleet.Replica{Record: rec, State: fleet.Up, Raw: json.RawMessage(`{}`), Tasks: &fleet.Tasks{Batches: []fleet.Batch{{ID: rec.ID, Done: s, Total: 60}}}})
		}
		m.take(reading(f, ""))
	}
	return m
}

// TestFrameTime prints how long a frame takes. The goal is 5 ms. The test fails only at fifty times the goal, because machines differ.
func TestFrameTime(t *testing.T) {
	m := large()
	for _, keys := range [][]string{{"1"}, {"2"}, {"3"}, {"4"}, {"6"}, {"2", "enter"}} {
		press(m, keys...)
		const rounds = 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		for range rounds {
			m.View()
		}
		took := time.Since(begun) / rounds
		runtime.ReadMemStats(&after)
		allocs := (after.Mallocs - before.Mallocs) / rounds
		t.Logf("%v at 200x50, 100 replicas, 50 buckets: %v a frame, %d allocations", keys, took.Round(time.Microsecond), allocs)
		if took > 250*time.Millisecond || allocs > 20_000 {
			t.Errorf("%v: %v a frame, %d allocations", keys, took, allocs)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	m := large()
	b.ReportAllocs()
	for b.Loop() {
		m.View()
	}
}

// BenchmarkReading measures the work on a report after it has been read.
func BenchmarkReading(b *testing.B) {
	m := large()
	r := *m.live.history.Last()
	b.ReportAllocs()
	for b.Loop() {
		next := r
		next.At = m.live.history.Last().At.Add(2 * time.Second)
		m.take(fetched{begun: next.At, ended: next.At, report: &next})
	}
}
