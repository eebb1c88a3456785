package faces_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
)

// TestWhy checks each reason, as a sentence and as JSON.
func TestWhy(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	limit := limiter.PerSecond(40, 40)
	for want, p := range map[string]limiter.Position{
		"could start at once":                     {},
		"its tokens are used":                     {Bucket: "global", Limit: limit, In: 25 * time.Millisecond},
		"would start in 1.50 s":                   {Bucket: "global", Limit: limit, In: 1500 * time.Millisecond},
		"earlier callers wait in line":            {Bucket: "global", Limit: limit, Line: []limiter.Waiting{{Replica: "crawler-2", Route: "lastfm", Tokens: 7, In: time.Second}}},
		"would start when resumed":                {Bucket: "global", Limit: limit, In: limiter.UntilResumed},
		"until somebody resumes it":               {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Paused, For: limiter.UntilResumed}}},
		"it is paused for another 1m30s":          {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Paused, For: 90 * time.Second}}},
		"asked crawler-2 at 03:04:05 UTC to wait": {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Held, For: time.Minute, By: "crawler-2", At: at}}},
		"shut for another 2.00 s":                 {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Held, For: 2 * time.Second}}},
		"calls start at 24.8 a second":            {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Follows, Rate: 24.8}}},
		"replicas disagree about the limit":       {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Disputed}}},
		"stays in debt for another 0.20 s":        {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Forgotten, For: 200 * time.Millisecond}}},
		"levels that replicas remember are":       {Bucket: "global", Limit: limit, Why: []limiter.Reason{{Kind: limiter.Recovering, For: 9 * time.Second}}},
	} {
		var out strings.Builder
		w := report.NewWhy("weir", []string{"lastfm", "global"}, p)
		if err := faces.Why(&out, w, 100); err != nil || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("want %q: %v\n%s", want, err, out.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if len([]rune(line)) > 100 {
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
