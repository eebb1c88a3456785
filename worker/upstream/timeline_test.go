package upstream_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

// step is a row of a timeline: n calls that arrive, or one that ends, and what the limits have left afterwards.
type step struct {
	at   time.Duration
	api  upstream.API
	n    int
	call upstream.Call
	used *upstream.Usage // not nil: the call ends
	want upstream.Verdict
	left []int64 // of all limits of the API; nil: not looked at
}

// play drives a judge through a timeline and prints every row of it.
func play(t *testing.T, cfg upstream.Config, rows []step) {
	t.Helper()
	j, err := upstream.NewJudge(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		var got upstream.Verdict
		for k := range max(1, row.n) {
			if row.used != nil {
				j.End(row.api, row.at, row.call, *row.used)
				continue
			}
			got = j.Arrive(row.api, row.at, row.call)
			if got != row.want {
				t.Errorf("row %d at %v, call %d of %d: %+v, want %+v", i, row.at, k+1, max(1, row.n), got, row.want)
			}
		}
		var left []int64
		for _, s := range j.Remaining(row.api, row.at) {
			left = append(left, s.Remaining)
		}
		t.Logf("%8v  %-9s  %3d × %+v  %+v  left %v", row.at, row.api, max(1, row.n), row.call, got, left)
		if diff := cmp.Diff(row.left, left); row.left != nil && diff != "" {
			t.Errorf("row %d at %v: left (-want +got):\n%s", i, row.at, diff)
		}
	}
}

const (
	a = upstream.Anthropic
	s = upstream.Spotify
	l = upstream.LastFM
)

func yes() upstream.Verdict { return upstream.Verdict{OK: true} }

func fails(f upstream.Fault) upstream.Verdict { return upstream.Verdict{OK: true, Fault: f} }

func no(by string, wait time.Duration) upstream.Verdict {
	return upstream.Verdict{By: by, RetryAfter: wait}
}

// fixedWindow is n calls in each full second.
func fixedWindow(n int) upstream.Limit {
	return upstream.Limit{Window: upstream.Window{N: n, Per: time.Second, Fixed: true}}
}

func TestKindsOfLimits(t *testing.T) {
	second := time.Second
	for _, tc := range []struct {
		name string
		cfg  upstream.Config
		rows []step
	}{
		{"a fixed window begins at multiples of its length", upstream.Config{Total: fixedWindow(3)}, []step{
			{at: 900 * ms, api: a, n: 3, want: yes(), left: []int64{0}},
			{at: 900 * ms, api: s, want: no("total-window", 100*ms)},
			{at: second, api: s, n: 3, want: yes(), left: []int64{0}}, // six within 100 ms
			{at: second, api: s, want: no("total-window", second)},
			{at: 5500 * ms, api: s, want: yes(), left: []int64{2}},
		}},
		{"a sliding window does not", upstream.Config{Total: upstream.Limit{Window: upstream.Window{N: 3, Per: second}}}, []step{
			{at: 900 * ms, api: a, n: 3, want: yes(), left: []int64{0}},
			{at: second, api: s, want: no("total-window", 900*ms), left: []int64{0}},
			{at: 1900 * ms, api: s, want: yes(), left: []int64{2}},
		}},
		{"a limit of one API beside a fixed window of all", upstream.Config{
			Total: fixedWindow(5), PerAPI: limits(s, upstream.Limit{Rate: 1, Burst: 2}),
		}, []step{
			{at: 0, api: s, n: 2, want: yes(), left: []int64{0, 3}},
			{at: 0, api: s, want: no("spotify", second), left: []int64{0, 3}},
			{at: 0, api: l, n: 3, want: yes(), left: []int64{0}},
			{at: 0, api: l, want: no("total-window", second)},
		}},
		{"a bucket whose limit changes keeps its level", upstream.Config{
			Total: upstream.Limit{Rate: 10, Burst: 10},
			Schedule: []upstream.Change{
				{At: 2 * second, Limit: upstream.Limit{Rate: 2, Burst: 4}}, {At: 4 * second, Limit: upstream.Limit{Rate: 100, Burst: 50}},
			},
		}, []step{
			{at: second, api: a, n: 10, want: yes(), left: []int64{0}},
			{at: 1200 * ms, api: a, n: 2, want: yes(), left: []int64{0}},
			{at: 2 * second, api: a, n: 4, want: yes(), left: []int64{0}}, // 8 had come and 4 fit
			{at: 2 * second, api: a, want: no("total", 500*ms)},
			{at: 3 * second, api: a, n: 2, want: yes(), left: []int64{0}},
			{at: 4 * second, api: a, n: 2, want: yes(), left: []int64{0}}, // a higher limit gives no tokens at once
			{at: 4 * second, api: a, want: no("total", 10*ms)},
			{at: 5 * second, api: a, n: 50, want: yes(), left: []int64{0}},
		}},
		{"a sliding window whose count changes remembers its calls", upstream.Config{
			Total: upstream.Limit{Window: upstream.Window{N: 2, Per: second}},
			Schedule: []upstream.Change{
				{At: 500 * ms, Limit: upstream.Limit{Window: upstream.Window{N: 4, Per: second}}},
				{At: 800 * ms, Limit: upstream.Limit{Window: upstream.Window{N: 1, Per: second}}},
			},
		}, []step{
			{at: 0, api: a, n: 2, want: yes()},
			{at: 500 * ms, api: a, n: 2, want: yes(), left: []int64{0}},
			{at: 500 * ms, api: a, want: no("total-window", 500*ms)},
			{at: second, api: a, want: no("total-window", 500*ms), left: []int64{0}},
			{at: 1500 * ms, api: a, want: yes(), left: []int64{0}},
		}},
		{"another kind of limit starts full", upstream.Config{
			Total:    upstream.Limit{Rate: 1, Burst: 1},
			Schedule: []upstream.Change{{At: second / 2, Limit: fixedWindow(2)}, {At: 3 * second, Limit: fixedWindow(1)}},
		}, []step{
			{at: 0, api: a, want: yes()},
			{at: 500 * ms, api: a, n: 2, want: yes(), left: []int64{0}},
			{at: 500 * ms, api: a, want: no("total-window", 500*ms)},
			{at: 3 * second, api: a, want: yes(), left: []int64{0}},
		}},
		{"strangers take from the limits", upstream.Config{
			Total:     upstream.Limit{Rate: 10, Burst: 10},
			Strangers: []upstream.Strangers{{API: s, Rate: 3, From: second, To: 3 * second}},
		}, []step{
			{at: second - 1, api: a, want: yes(), left: []int64{9}},
			{at: second, api: a, n: 8, want: yes(), left: []int64{0}}, // one of nine was the stranger's
			{at: 2 * second, api: a, n: 7, want: yes(), left: []int64{0}},
			{at: 3*second - 1, api: a, n: 8, want: yes(), left: []int64{0}},
			{at: 10 * second, api: a, n: 10, want: yes(), left: []int64{0}},
		}},
		{"a provider that refuses for a while, and asks for a long wait", upstream.Config{
			Total:      upstream.Limit{Rate: 1, Burst: 5},
			RetryAfter: map[upstream.API]time.Duration{s: 24 * time.Hour},
			Stretches: []upstream.Stretch{
				{API: l, From: second, To: 3 * second, Fault: upstream.Refused, Share: 1},
				{API: s, From: second, Fault: upstream.Refused, Share: 1},
				{API: a, From: second, Fault: upstream.Refused, Share: 1},
			},
		}, []step{
			{at: 0, api: l, want: yes(), left: []int64{4}},
			{at: second, api: l, n: 9, want: no("stretch", 2*second), left: []int64{5}},
			{at: second, api: s, want: upstream.Verdict{By: "stretch", Never: true, RetryAfter: 24 * time.Hour}, left: []int64{5}},
			{at: second, api: a, want: upstream.Verdict{By: "stretch", Never: true}},
			{at: 3*second - 1, api: l, want: no("stretch", 1)},
			{at: 3 * second, api: l, n: 5, want: yes()},
			{at: 3 * second, api: l, want: no("total", second)},
		}},
		{"calls that fail have been accepted", upstream.Config{
			Total: upstream.Limit{Rate: 1, Burst: 3},
			Stretches: []upstream.Stretch{
				{API: a, To: second, Fault: upstream.Overloaded, Share: 1},
				{API: l, To: second, Fault: upstream.Error29, Share: 1},
				{API: s, To: second, Fault: upstream.Unavailable, Share: 1},
			},
		}, []step{
			{at: 0, api: a, want: fails(upstream.Overloaded), left: []int64{2}},
			{at: 0, api: l, want: fails(upstream.Error29), left: []int64{1}},
			{at: 0, api: s, want: fails(upstream.Unavailable), left: []int64{0}},
			{at: 0, api: s, want: no("total", second)},
			{at: second, api: s, want: yes()},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, tc.cfg, tc.rows) })
	}
}

// TestShareOfAStretch: about the share of the calls fails, and the same ones each time.
func TestShareOfAStretch(t *testing.T) {
	run := func(seed uint64) (failed []bool) {
		j, err := upstream.NewJudge(upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 1000}, Seed: seed, Stretches: []upstream.Stretch{
			{API: a, Fault: upstream.Overloaded, Share: 0.3},
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			failed = append(failed, j.Arrive(a, 0, upstream.Call{}).Fault != "")
		}
		return failed
	}
	first := run(1)
	n := 0
	for _, failed := range first {
		if failed {
			n++
		}
	}
	if n < 250 || n > 350 {
		t.Errorf("%d calls of 1000 failed, want about 300", n)
	}
	if !cmp.Equal(first, run(1)) {
		t.Error("the same seed fails other calls")
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed fails the same calls")
	}
}

// TestStrangersAreCounted: strangers are counted apart, as many as their rate gives, without drift.
func TestStrangersAreCounted(t *testing.T) {
	j, err := upstream.NewJudge(upstream.Config{
		Total:     upstream.Limit{Rate: 100, Burst: 1},
		Strangers: []upstream.Strangers{{API: s, Rate: 0.7, From: time.Second}, {API: l, Rate: 7, From: time.Hour, To: 2 * time.Hour}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		api  upstream.API
		at   time.Duration
		want upstream.StrangerCount
	}{
		{s, time.Second - 1, upstream.StrangerCount{}},
		{s, time.Second, upstream.StrangerCount{Accepted: 1}},
		{s, 1001*time.Second - 1, upstream.StrangerCount{Accepted: 700}},
		{s, 1001 * time.Second, upstream.StrangerCount{Accepted: 701}},
		{l, 1001 * time.Second, upstream.StrangerCount{}},
		{a, 3 * time.Hour, upstream.StrangerCount{}},
	} {
		if got := j.Strangers(row.api, row.at); got != row.want {
			t.Errorf("%s at %v: %+v, want %+v", row.api, row.at, got, row.want)
		}
	}
	if got := j.Strangers(l, 3*time.Hour); got.Accepted+got.Refused != 7*3600 {
		t.Errorf("the strangers' calls are %+v, want an hour of 7 a second", got)
	}
}
