package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// TestUnknownIsNull checks that the unknown values of a lost replica are null, never 0.
func TestUnknownIsNull(t *testing.T) {
	r := report.New("a", &fleet.Fleet{Namespace: "n", Replicas: []fleet.Replica{{Record: limiter.Record{ID: "gone"}, State: fleet.Lost, Age: time.Minute}}})
	text, err := json.Marshal(r.Replicas[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"state":"lost"`, `"pending":null`, `"done":null`, `"heartbeat_age_ms":60000`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "gone is lost: silent for 1m") {
		t.Errorf("%q", r.Warnings)
	}
}

// TestNotes checks the note and the state of a bucket in each unusual condition, and that all tables show the note.
func TestNotes(t *testing.T) {
	limit := limiter.PerSecond(40, 40)
	for note, c := range map[string]struct {
		state report.State
		limiter.BucketSnapshot
	}{
		"": {report.OK, limiter.BucketSnapshot{}},
		"paused until somebody resumes it; set at run time": {report.Paused, limiter.BucketSnapshot{PausedFor: limiter.UntilResumed, Set: true}},
		"paused for 1m30s": {report.Paused, limiter.BucketSnapshot{PausedFor: 90 * time.Second}},
		"held for 1m30s: a provider asked crawler-2 to wait at 03:04:05 UTC": {report.Held, limiter.BucketSnapshot{
			PausedFor: 90 * time.Second, HeldBy: "crawler-2", HeldSince: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Served: 1,
		}},
		"follows its provider: 24.8/s": {report.Follows, limiter.BucketSnapshot{Served: 0.62}},
		"replicas disagree: 2 want 40 per 1s, burst 40, 1 want 7 in any 2s": {report.Disputed, limiter.BucketSnapshot{Wanted: []limiter.Wanted{
			{Limits: []limiter.Limit{limit}, Replicas: []string{"a", "b"}},
			{Limits: []limiter.Limit{limiter.PerWindow(7, 2*time.Second)}, Replicas: []string{"c"}},
		}}},
	} {
		b := c.BucketSnapshot
		b.Bucket, b.Limit = "global", limit
		r := report.New("a", &fleet.Fleet{Namespace: "n", Snapshot: limiter.Snapshot{Epoch: "e", Buckets: []limiter.BucketSnapshot{b}}})
		if got := r.Buckets[0].Note(); got != note || r.Buckets[0].State != c.state {
			t.Errorf("note %q, want %q; %s", got, note, r.Buckets[0].State)
		}
		for _, wide := range []bool{false, true} {
			var table strings.Builder
			if err := faces.Table(&table, r, 200, wide); err != nil || !strings.Contains(table.String(), note) {
				t.Errorf("%v: lacks %q:\n%s", err, note, table.String())
			}
		}
		if text, err := json.Marshal(r.Buckets[0]); err != nil || b.PausedFor == limiter.UntilResumed && !strings.Contains(string(text), `"paused":true,"paused_ms":null`) {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// evil is a name with sequences that control a terminal.
const evil = "e\x1b]0;title\x07\x1b[2J\u009b31m\u202evil\r\n\x00\U000e0041\xff"

// hostile returns a fleet in which every text is evil.
func hostile(t *testing.T) *fleet.Fleet {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"v": 1, "id": evil, "later": evil})
	if err != nil {
		t.Fatal(err)
	}
	rec := limiter.Record{
		Version: 1, ID: evil, Host: evil, Build: evil, Waiting: 3, Routes: []limiter.RouteRecord{{Route: evil, Buckets: []string{evil}, Waiting: 3}},
		Buckets: map[string]limiter.BucketRecord{evil: {Used: 3, UsedS: 1}},
	}
	return &fleet.Fleet{
		Namespace: evil, Redis: fleet.Redis{"redis_version": evil, "role": evil, "maxmemory_policy": evil, "evicted_keys": "3"},
		Snapshot: limiter.Snapshot{Epoch: evil, Buckets: []limiter.BucketSnapshot{{
			Bucket: evil, Limit: limiter.PerSecond(1, 1), PausedFor: time.Hour, HeldBy: evil, HeldSince: time.Unix(1, 0),
			Wanted: []limiter.Wanted{{Limits: []limiter.Limit{limiter.PerSecond(1, 1)}, Replicas: []string{evil}}},
		}}},
		Replicas: []fleet.Replica{{
			Record: rec, State: fleet.Up, Raw: raw, Server: &fleet.Server{Addr: evil, Version: evil},
			Tasks: &fleet.Tasks{Lanes: []fleet.Lane{{Route: evil, ShutMS: 5, Reason: evil}}, Batches: []fleet.Batch{{ID: evil}}},
		}, {Record: limiter.Record{ID: evil + "2"}, State: fleet.Lost}},
	}
}

// TestTerminalEscapesNeverGetOut checks that no output has a control character of a text from Redis.
func TestTerminalEscapesNeverGetOut(t *testing.T) {
	r := report.New(evil, hostile(t))
	w := report.NewWhy(evil, []string{evil}, limiter.Position{
		Bucket: evil, Limit: limiter.PerSecond(1, 1), Why: []limiter.Reason{{Kind: limiter.Held, By: evil}}, Line: []limiter.Waiting{{Replica: evil, Route: evil}},
	})
	var all strings.Builder
	for _, err := range []error{
		faces.Table(&all, r, 80, false), faces.Table(&all, r, 300, true), faces.JSON(&all, r, false), faces.JSON(&all, r, true), faces.Prom(&all, r),
		faces.Why(&all, w, 80), faces.JSON(&all, w, false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range all.String() {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("the output has %q:\n%q", c, all.String())
		}
	}
	var back map[string]any
	if err := json.Unmarshal(r.Replicas[0].Record, &back); err != nil || back["later"] != strings.ToValidUTF8(evil, "\ufffd") {
		t.Errorf("the record as published: %s, %v", r.Replicas[0].Record, err)
	}
}

// TestQueuesAreMerged checks that a report adds up the callers of limiters and the tasks of orchestrators, over all replicas.
func TestQueuesAreMerged(t *testing.T) {
	turn, eta := int64(120), int64(7000)
	rec := func(id string, waiting int, oldest int64, used float64) limiter.Record {
		return limiter.Record{
			Version: 1, ID: id, Waiting: waiting, OldestMS: oldest, Buckets: map[string]limiter.BucketRecord{"global": {Used: 100, UsedS: used, RefusedS: 0.5}},
			Routes: []limiter.RouteRecord{{Route: "spotify", Buckets: []string{"tracks", "global"}, Waiting: waiting, OldestMS: oldest, TurnMS: &turn}},
		}
	}
	f := &fleet.Fleet{Namespace: "n", Snapshot: limiter.Snapshot{Epoch: "e", Live: 3, Buckets: []limiter.BucketSnapshot{
		{Bucket: "global", Limit: limiter.PerSecond(40, 40), Served: 1, Waiting: 5}, {Bucket: "idle", Limit: limiter.PerSecond(1, 1), Served: 1},
	}}}
	for _, v := range []fleet.Replica{
		{Record: rec("a", 3, 2000, 30), State: fleet.Up},
		{Record: rec("b", 0, 0, 5), State: fleet.Draining, Tasks: &fleet.Tasks{Slots: 4, Pending: 17, InFlight: 2, Lanes: []fleet.Lane{{Route: "spotify", Urgent: 1, Normal: 9, Background: 7, OldestMS: 9000, InFlight: 2, EtaMS: &eta}}}},
		{Record: rec("lost", 99, 99_000, 99), State: fleet.Lost},
	} {
		v.Raw = json.RawMessage(`{}`)
		f.Replicas = append(f.Replicas, v)
	}
	r := report.New("a", f)
	if v := r.RouteOf("spotify"); v == nil || v.Waiting != 20 || v.Urgent != 1 || v.Normal != 12 || v.Background != 7 || *v.OldestMS != 9000 || *v.EtaMS != 7000 || v.Replicas != 2 || *v.TurnMS != 120 {
		t.Errorf("%+v", v)
	}
	if b := r.Find("global"); b.Calls != 20 || *b.OldestMS != 9000 || *b.UsedPerS != 35 || *b.RefusedPerS != 1 || *b.EtaMS != 571 || b.State != report.Waiting || len(b.Shares) != 2 || b.Shares[0].Replica != "a" {
		t.Errorf("%+v", b)
	}
	for _, c := range []struct {
		pause time.Duration
		eta   int64 // ms, of the bucket; -1 for none
		route int64
	}{{0, 571, 7000}, {10 * time.Minute, 600_571, 607_000}, {limiter.UntilResumed, -1, -1}} {
		f.Snapshot.Buckets[0].PausedFor = c.pause
		paused := report.New("a", f)
		for what, eta := range map[string][2]*int64{"bucket": {paused.Find("global").EtaMS, &c.eta}, "route": {paused.RouteOf("spotify").EtaMS, &c.route}} {
			got := int64(-1)
			if eta[0] != nil {
				got = *eta[0]
			}
			if got != *eta[1] {
				t.Errorf("paused for %v: ETA of the %s %d ms, want %d", c.pause, what, got, *eta[1])
			}
		}
	}
	f.Snapshot.Buckets[0].PausedFor = 0
	if b := r.Find("idle"); b.Calls != 0 || b.OldestMS != nil || b.EtaMS != nil || b.State != report.OK {
		t.Errorf("%+v", b)
	}
	if order := r.BySeverity(); order[0].Name != "global" || order[1].Name != "idle" {
		t.Errorf("%+v", order)
	}
}

// TestHistory checks the use between two reports, while replicas come and go.
func TestHistory(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	reading := func(s int, used map[string]int64) *report.Report {
		f := &fleet.Fleet{Namespace: "n", Snapshot: limiter.Snapshot{At: at.Add(time.Duration(s) * time.Second), Epoch: "e", Buckets: []limiter.BucketSnapshot{{Bucket: "global", Limit: limiter.PerSecond(40, 40), Served: 0.5}}}}
		for id, n := range used {
			f.Replicas = append(f.Replicas, fleet.Replica{State: fleet.Up, Raw: json.RawMessage(`{}`), Record: limiter.Record{ID: id, Buckets: map[string]limiter.BucketRecord{"global": {Used: n, Refused: n / 10}}}})
		}
		return report.New("a", f)
	}
	var h report.History
	if h.Last() != nil || h.Samples("global") != nil {
		t.Error("an empty history has a report or samples")
	}
	for s, used := range []map[string]int64{{"a": 100}, {"a": 120, "b": 5000}, {"b": 5010}, {"b": 5005}} {
		h.Add(reading(2*s, used))
	}
	got := h.Samples("global")
	if len(got) != 3 || got[0].UsedPerS != 10 || got[0].RefusedPerS != 1 || got[1].UsedPerS != 5 || got[2].UsedPerS != 0 || got[0].Budget != 20 {
		t.Errorf("%+v", got)
	}
	for s := range 100 {
		h.Add(reading(10+2*s, nil))
	}
	if n := len(h.Samples("global")); n != 30 {
		t.Errorf("%d samples of a minute", n)
	}
	h.Add(reading(0, nil))
	if n := len(h.Samples("global")); n != 0 {
		t.Errorf("%d samples after the clock went back", n)
	}
}

// TestSpan checks durations of each unit, in at most seven characters.
func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ms", 90 * time.Millisecond: "90ms", 1500 * time.Millisecond: "1.5s", 59 * time.Second: "59s", 192 * time.Second: "3m12s", time.Hour: "1h",
		2*time.Hour + 5*time.Minute: "2h5m", 98 * time.Hour: "4d2h", -time.Second: "-1s", 24*time.Hour - time.Second: "23h59m",
	} {
		if got := report.Span(d); got != want || len(got) > 7 {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// TestWhyHasTheUse checks the sentences about the use of a bucket: its tokens, the refusals of its provider, the largest replica, and the limits that
// replicas are configured with.
func TestWhyHasTheUse(t *testing.T) {
	w := report.NewWhy("n", []string{"spotify", "global"}, limiter.Position{Bucket: "global", Limit: limiter.PerSecond(40, 40), In: time.Second, Why: []limiter.Reason{{Kind: limiter.Disputed}}})
	before := strings.Join(w.Sentences(), "\n")
	used, refused := 38.2, 0.0
	r := &report.Report{Buckets: []report.Bucket{{
		Name: "global", UsedPerS: &used, RefusedPerS: &refused, Shares: []report.Share{{Replica: "crawler-2", UsedPerS: 19.1}, {Replica: "crawler-1", UsedPerS: 9}},
		Wishes: []report.Wish{{Limits: []string{"40 per 1s, burst 40"}, Replicas: []string{"crawler-1"}}, {Limits: []string{"20 per 1s, burst 20"}, Replicas: []string{"crawler-2"}}},
	}}}
	w.Add(r)
	for _, want := range []string{
		"The fleet uses 38.2 tokens a second of bucket global; its provider refuses no calls.", "Replica crawler-2 uses most of them, 50 %.",
		"Limit 20 per 1s, burst 20: configured on crawler-2.",
	} {
		if text := strings.Join(w.Sentences(), "\n"); !strings.Contains(text, want) || strings.Contains(before, want) {
			t.Errorf("%q:\n%s", want, text)
		}
	}
	refused = 1.5
	if text := strings.Join(w.Sentences(), "\n"); !strings.Contains(text, "its provider refuses 1.5 calls a second") {
		t.Error(text)
	}
	free := report.NewWhy("n", []string{"global"}, limiter.Position{})
	free.Add(r)
	if text := free.Sentences(); len(text) != 1 {
		t.Errorf("%q", text)
	}
}
