package main

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

// TestScenarioFlags checks that each flag of the simulator sets its configuration, and that New accepts the configuration.
func TestScenarioFlags(t *testing.T) {
	var c upstreamCmd
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{
		"--rate=0", "--burst=0", "--window=40/1s", "--fixed-window", "--slack=0", "--latency-min=0", "--latency-max=0",
		"--input-tokens=30000:40000", "--output-tokens=8000:9000", "--total-tokens=50000:60000", "--charge=held",
		"--output-median=400", "--output-sigma=0.8",
		"--headers=anthropic", "--headers=retry-ms", "--retry-after=spotify=24h",
		"--change=30s=20:25", "--change=1m=100/1m",
		"--strangers=spotify=5@10s-60s", "--strangers=anthropic=0.5:500:200@1m",
		"--stretch=anthropic=overloaded:0.5@10s-60s", "--stretch=lastfm=error-29",
	}); err != nil {
		t.Fatal(err)
	}
	got, err := c.config()
	if err != nil {
		t.Fatal(err)
	}
	want := upstream.Config{
		Total: upstream.Limit{Window: upstream.Window{N: 40, Per: time.Second, Fixed: true}},
		Seed:  1,
		Tokens: upstream.TokenLimits{
			Input:  upstream.TokenLimit{PerMinute: 30_000, Burst: 40_000},
			Output: upstream.TokenLimit{PerMinute: 8_000, Burst: 9_000},
			Total:  upstream.TokenLimit{PerMinute: 50_000, Burst: 60_000},
			Charge: upstream.ChargeHeld,
		},
		Output:     upstream.OutputLength{Median: 400, Sigma: 0.8},
		Headers:    []upstream.Dialect{upstream.HeadersAnthropic, upstream.RetryMS},
		RetryAfter: map[upstream.API]time.Duration{upstream.Spotify: 24 * time.Hour},
		Schedule: []upstream.Change{
			{At: 30 * time.Second, Limit: upstream.Limit{Rate: 20, Burst: 25}},
			{At: time.Minute, Limit: upstream.Limit{Window: upstream.Window{N: 100, Per: time.Minute, Fixed: true}}},
		},
		Strangers: []upstream.Strangers{
			{API: upstream.Spotify, Rate: 5, From: 10 * time.Second, To: time.Minute},
			{API: upstream.Anthropic, Rate: 0.5, From: time.Minute, Call: upstream.Call{Input: 500, Output: 200, MaxTokens: 200}},
		},
		Stretches: []upstream.Stretch{
			{API: upstream.Anthropic, From: 10 * time.Second, To: time.Minute, Fault: upstream.Overloaded, Share: 0.5},
			{API: upstream.LastFM, Fault: upstream.Error29, Share: 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if _, err := upstream.New(got); err != nil {
		t.Error(err)
	}
}

// TestLimitsOfTheSimulator checks that the simulator accepts the same forms of buckets and windows as a replica.
func TestLimitsOfTheSimulator(t *testing.T) {
	cfg, err := (&upstreamCmd{Window: "40/1s", Fixed: true, API: []string{"spotify=0.5:5", "anthropic=50/1m"}}).config()
	if err != nil {
		t.Fatal(err)
	}
	want := map[upstream.API]upstream.Limit{
		upstream.Spotify: {Rate: 0.5, Burst: 5}, upstream.Anthropic: {Window: upstream.Window{N: 50, Per: time.Minute}},
	}
	if diff := cmp.Diff(want, cfg.PerAPI); diff != "" || cfg.Total.Window != (upstream.Window{N: 40, Per: time.Second, Fixed: true}) {
		t.Errorf("total %+v (-want +got):\n%s", cfg.Total, diff)
	}
}
