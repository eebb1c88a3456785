package check_test

import (
	"strings"
	"testing"

	"github.com/weir-go/weir/cmd/inspect/internal/check"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// troubled returns the report of a fleet with every fault that a check can find.
func troubled() *report.Report {
	return &report.Report{
		Buckets: []report.Bucket{
			{Name: "a", Rate: 40, Served: 0.5, UsedPerS: new(30.0), RefusedPerS: new(1.5), OldestMS: new(int64(31_000)), Wishes: []report.Wish{{}}},
			{Name: "b", Rate: 40, Served: 1, Paused: true, PausedMS: new(int64(600_000)), HeldBy: new("c")},
			{Name: "c", Rate: 40, Served: 1, Paused: true},
			{Name: "a", Rate: 50, Served: 0.5, UsedPerS: new(30.0), RefusedPerS: new(1.5), OldestMS: new(int64(31_000)), Wishes: []report.Wish{{}}}, // another limit of bucket a
			{Name: "c", Rate: 50, Served: 1, Paused: true},
		},
		Replicas: []report.Replica{
			{ID: "1", State: "up", HeartbeatAgeMS: 1500, Failed: new(int64(3)), Pending: new(7), OldestMS: new(int64(45_000))},
			{ID: "2", State: "lost", HeartbeatAgeMS: 50_000, Pending: new(99), OldestMS: new(int64(99_000))},
			{ID: "3", State: "draining"},
			{ID: "4", State: "unknown"},
		},
		Server: report.Server{
			Version: new("7"), EvictedKeys: new(int64(5)), UsedMemory: new(int64(50)), MaxMemory: new(int64(100)), Policy: new("allkeys-lru"),
			AOF: new(false), Replicas: new(int64(1)), Role: new("slave"),
		},
		Cost: report.Cost{MS: 250},
	}
}

// TestConditions checks a condition on each name, true for the fleet with faults and false for an empty one.
func TestConditions(t *testing.T) {
	for text, because := range map[string]string{
		"oldest>30s || lost>0 || disagreements>0 || held>5m": "oldest 45, lost 1, disagreements 1, held 600",
		"oldest >= 0.75m && oldest < 1h":                     "oldest 45",
		"waiting == 7":                                       "waiting 7",
		"used > 0.7":                                         "used 0.75",
		"refused >= 1.5":                                     "refused 1.5",
		"held > 5m":                                          "held 600",
		"paused == 1 && followed == 1":                       "paused 1, followed 1",
		"up + draining + lost + unknown == 4":                "up 1, draining 1, lost 1, unknown 1",
		"failed > 2":                                         "failed 3",
		"age > 1s && age < 2s":                               "age 1.5",
		"evicted > 0 && memory >= 0.5":                       "evicted 5, memory 0.5",
		"took > 200ms":                                       "took 0.25",
	} {
		c, err := check.Parse(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if holds, got, err := c.True(troubled()); err != nil || !holds || got != because {
			t.Errorf("%s: %t, %q, %v", text, holds, got, err)
		}
		if holds, _, err := c.True(&report.Report{}); err != nil || holds {
			t.Errorf("%s of an empty fleet: %t, %v", text, holds, err)
		}
	}
	for _, text := range []string{"", "oldest", "oldest >", "latest > 3s", "oldest > 3 parsecs", "1", "lost > 'a'", "oldest > 30s |"} {
		if _, err := check.Parse(text); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "names are oldest") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestRedisAdvice checks that each bad setting that Redis reports gets advice, and that no other setting does.
func TestRedisAdvice(t *testing.T) {
	advice, known := check.Redis(troubled())
	for _, want := range []string{"noeviction", "5 keys were evicted", "appendonly", "min-replicas-to-write", "is a slave"} {
		if !strings.Contains(strings.Join(advice, "\n"), want) {
			t.Errorf("lacks %q: %q", want, advice)
		}
	}
	if !known || len(advice) != 5 {
		t.Errorf("%q", advice)
	}
	if advice, known = check.Redis(&report.Report{}); known || advice != nil {
		t.Errorf("%q for a Redis that reports nothing", advice)
	}
	good := report.Server{Version: new("7"), Role: new("master"), AOF: new(true), Replicas: new(int64(1)), GoodEnough: new(int64(1)), MaxMemory: new(int64(0)), Policy: new("allkeys-lru"), EvictedKeys: new(int64(0))}
	if advice, known = check.Redis(&report.Report{Server: good}); !known || advice != nil {
		t.Errorf("%q", advice)
	}
}
