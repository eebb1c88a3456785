package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// TestWhySaysTheReason in words for a person, and in fields for a program.
func TestWhySaysTheReason(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	limit := limiter.PerSecond(40, 40)
	for want, p := range map[string]limiter.Position{
		"could start at once":                     {},
		"its tokens are used":                     {Bucket: "global", Limit: limit, In: 25 * time.Millisecond},
		"would start in 1.50 s":                   {Bucket: "global", Limit: limit, In: 1500 * time.Millisecond},
		"those in line come first":                {Bucket: "global", Limit: limit, Line: []limiter.Waiting{{Replica: "crawler-2", Route: "lastfm", Tokens: 7, In: time.Second}}},
		"would start when resumed":                {Bucket: "global", Limit: limit, In: limiter.UntilResumed},
		"until somebody resumes it":               {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Paused, For: limiter.UntilResumed}}},
		"somebody has paused it for 1m30s":        {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Paused, For: 90 * time.Second}}},
		"asked crawler- at 03:04:05 UTC to wait":  {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Held, For: time.Minute, By: "crawler-2", At: at}}},
		"shut for 2.00 s":                         {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Held, For: 2 * time.Second}}},
		"calls start at 24.8 a second":            {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Follows, Rate: 24.8}}},
		"replicas disagree":                       {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Disputed}}},
		"it began empty and in debt for 0.20 s":   {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Forgotten, For: 200 * time.Millisecond}}},
		"what replicas remember is collected for": {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Recovering, For: 9 * time.Second}}},
	} {
		var out strings.Builder
		w := newWhy("weir", []string{"lastfm", "global"}, p)
		if err := w.print(&out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("want %q: %v\n%s", want, err, out.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if len([]rune(line)) > 140 {
				t.Errorf("a line of %d characters: %s", len([]rune(line)), line)
			}
		}
		text, err := json.Marshal(w)
		if err != nil || !strings.Contains(string(text), `"schema":"weir.inspect.why/v1"`) || strings.Contains(string(text), "null,null,null,null") {
			t.Errorf("%s, %v", text, err)
		}
		for _, r := range p.Why {
			if !strings.Contains(string(text), `"kind":"`+string(r.Kind)+`"`) {
				t.Errorf("%s lacks %s", text, r.Kind)
			}
		}
	}
}

// TestWhyReads a namespace that a limiter uses, and refuses what is not there.
func TestWhyReads(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	l, err := limiter.New(t.Context(), rdb, limiter.SingleBucket("global", limiter.PerSecond(40, 40)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(t.Context()) }()
	if err := l.Pause(t.Context(), "global", time.Hour); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIS_URL", "redis://"+m.Addr())
	status, out, errs := run("why", "global")
	if status != cli.OK || !strings.Contains(out, "somebody has paused it for") {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if err := l.Pause(t.Context(), "global", limiter.UntilResumed); err != nil {
		t.Fatal(err)
	}
	if _, out, _ = run("why", "global"); !strings.Contains(out, "would start when resumed") {
		t.Error(out)
	}
	if _, out, _ = run("why", "--json", "global"); !strings.Contains(out, `"wait_ms":null`) {
		t.Error(out)
	}
	if status, out, errs = run("why", "other"); status != cli.Usage || !strings.Contains(errs, `no bucket "other"`) || out != "" {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if status, _, _ = run("why"); status != cli.Usage {
		t.Errorf("status %d without a bucket", status)
	}
	m.Close()
	if status, _, _ = run("why", "global"); status != cli.Unreachable {
		t.Errorf("status %d without Redis", status)
	}
}
