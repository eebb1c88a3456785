package tui

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// began is the time of the first report of a test, by the clocks of Redis and of this machine.
var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// shop returns a fleet with buckets in each state, replicas in each state, and batches, as it is some seconds after began.
func shop(seconds int) *fleet.Fleet {
	at := began.Add(time.Duration(seconds) * time.Second)
	f := &fleet.Fleet{
		Namespace: "shop", Snapshot: limiter.Snapshot{At: at, Epoch: "793257b0-c1e6", Grants: 1000 + 40*int64(seconds), Version: 3, Live: 5},
		Redis: fleet.Redis{
			"redis_version": "7.4.1", "role": "master", "uptime_in_seconds": "90061", "used_memory": "1531904", "maxmemory": "0", "maxmemory_policy": "noeviction",
			"evicted_keys": "0", "connected_clients": "9", "instantaneous_ops_per_sec": "212", "connected_slaves": "1", "aof_enabled": "0",
		},
	}
	bucket := func(name string, l limiter.Limit, change func(*limiter.BucketSnapshot)) {
		b := limiter.BucketSnapshot{Bucket: name, Limit: l, Served: 1, Tokens: float64(l.Burst) / 4}
		if change != nil {
			change(&b)
		}
		f.Buckets = append(f.Buckets, b)
	}
	bucket("global", limiter.PerSecond(100, 100), nil)
	bucket("idle:api", limiter.PerSecond(5, 5), nil)
	bucket("lastfm", limiter.PerSecond(40, 40), func(b *limiter.BucketSnapshot) { b.Waiting, b.Debt, b.Tokens = 12, 3.5, 0 })
	bucket("musicbrainz", limiter.PerSecond(10, 10), func(b *limiter.BucketSnapshot) { b.Served = 0.62 })
	bucket("stripe:charges", limiter.PerSecond(25, 25), func(b *limiter.BucketSnapshot) { b.PausedFor = limiter.UntilResumed })
	bucket("spotify", limiter.PerSecond(12, 5), func(b *limiter.BucketSnapshot) {
		b.Set = true
		if seconds > 30 {
			b.PausedFor, b.HeldBy, b.HeldSince = 90*time.Second, "crawler-2", began.Add(31*time.Second)
		}
	})
	bucket("github:core", limiter.PerWindow(5000, time.Hour), func(b *limiter.BucketSnapshot) {
		b.Wanted = []limiter.Wanted{
			{Limits: []limiter.Limit{limiter.PerWindow(5000, time.Hour)}, Replicas: []string{"crawler-1", "crawler-2"}},
			{Limits: []limiter.Limit{limiter.PerWindow(9000, time.Hour)}, Replicas: []string{"crawler-3"}},
		}
	})
	n := int64(seconds)
	for i, id := range []string{"crawler-1", "crawler-2", "crawler-3", "crawler-4"} {
		share := int64(i + 1)
		use := func(rate, refused int64) limiter.BucketRecord {
			return limiter.BucketRecord{Used: rate * n, UsedS: float64(rate), Refused: refused, RefusedS: float64(refused) / 10}
		}
		spotify := use(3, 2*share)
		if seconds > 30 {
			spotify = limiter.BucketRecord{Used: 90, Refused: 2*share + 5}
		}
		turn, eta := 120*share, 12_000*share
		tasks, err := json.Marshal(fleet.Tasks{Slots: 10, Pending: 9 * int(share), InFlight: int(share), Done: 100*share + n, Failed: share / 2})
		if err != nil {
			panic(err)
		}
		v := fleet.Replica{
			State: fleet.Up, Age: time.Duration(300*share) * time.Millisecond, Raw: json.RawMessage(`{}`), Server: &fleet.Server{Addr: fmt.Sprintf("10.0.0.%d:8080", share), Version: "1.2.0"},
			Record: limiter.Record{
				Version: 1, ID: id, Host: fmt.Sprintf("web-%d", share), PID: 100 + int(share), Build: "1.2.0", Started: began.Add(-time.Hour), EveryMS: 2000, Calls: 17 * n, Waiting: 3, OldestMS: 700,
				Buckets:  map[string]limiter.BucketRecord{"global": use(20+share, 0), "lastfm": use(5*share, 0), "musicbrainz": use(1, share), "spotify": spotify},
				Routes:   []limiter.RouteRecord{{Route: "lastfm", Buckets: []string{"lastfm", "global"}, Waiting: 3, OldestMS: 700, Reserved: 2, TurnMS: &turn}},
				Sections: map[string]json.RawMessage{fleet.TasksSection: tasks},
			},
			Tasks: &fleet.Tasks{
				Slots: 10, Pending: 9 * int(share), InFlight: int(share), Done: 100*share + n, Failed: share / 2,
				Lanes:   []fleet.Lane{{Route: "lastfm", Urgent: 1, Normal: 4 * int(share), Background: 4, OldestMS: 2100 * share, InFlight: int(share), EtaMS: &eta}},
				Batches: []fleet.Batch{{ID: fmt.Sprintf("import-%d", 40+share), Done: min(500, 5*seconds+int(share)), Total: 500, Failed: int(share) / 3}},
			},
		}
		switch {
		case id == "crawler-4" && seconds > 40:
			v.State, v.Age = fleet.Lost, time.Duration(seconds-30)*time.Second
		case id == "crawler-3" && seconds > 50:
			v.State = fleet.Draining
		}
		f.Replicas = append(f.Replicas, v)
	}
	f.Replicas = append(f.Replicas, fleet.Replica{Record: limiter.Record{ID: "older-version"}, State: fleet.Unknown, Age: 1500 * time.Millisecond})
	return f
}

// reading returns the result of reading a fleet, with the reasons of bucket unless it is "".
func reading(f *fleet.Fleet, bucket string) fetched {
	r := report.New("10.0.0.5:6379", f)
	r.Cost = report.Cost{Commands: 7, Bytes: 9912, MS: 2.5 + float64(f.At.Second()%7)}
	out := fetched{begun: f.At, ended: f.At.Add(3 * time.Millisecond), report: r, bucket: bucket}
	if bucket != "" {
		out.why = report.NewWhy("shop", []string{bucket}, limiter.Position{
			Bucket: bucket, Limit: limiter.PerSecond(12, 5), In: 88 * time.Second,
			Why:  []limiter.Reason{{Kind: limiter.Held, For: 88 * time.Second, By: "crawler-2", At: began.Add(31 * time.Second)}, {Kind: limiter.Follows, Rate: 7.4}},
			Line: []limiter.Waiting{{Replica: "crawler-1", Route: "spotify", Tokens: 4, In: 88 * time.Second, Urgent: true}, {Replica: "", Route: "lastfm", Tokens: 1, In: 90 * time.Second}},
		})
	}
	return out
}

// watching returns a model that has read the shop for a minute.
func watching(width, height int) *model {
	m := newModel(Config{Namespace: "shop", Addr: "10.0.0.5:6379"}, nil)
	m.now, m.width, m.height = began, width, height
	for s := 0; s <= 60; s += 2 {
		m.take(reading(shop(s), ""))
	}
	return m
}
