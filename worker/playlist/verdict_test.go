package playlist

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

func TestVerdicts(t *testing.T) {
	again, put, never := orchestrator.Verdict{Again: true}, orchestrator.Verdict{Again: true, After: 7 * time.Second, Throttled: true}, orchestrator.Verdict{}
	for name, c := range map[string]struct {
		err  error
		want orchestrator.Verdict
	}{
		"a refusal":                {&APIError{API: apiSpotify, Status: 403}, never},
		"too many":                 {&APIError{API: apiSpotify, Status: 429, RetryAfter: 7 * time.Second}, put},
		"too many, in a step":      {&StepError{"create playlist", &APIError{API: apiSpotify, Status: 429, RetryAfter: 7 * time.Second}}, put},
		"a quota that is spent":    {&APIError{API: apiSpotify, Status: 429, Code: "QUOTA_EXCEEDED", RetryAfter: 7 * time.Second}, never},
		"overloaded":               {&APIError{API: apiAnthropic, Status: 529}, again},
		"unavailable, with a time": {&APIError{API: apiAnthropic, Status: 503, RetryAfter: time.Second}, orchestrator.Verdict{Again: true, After: time.Second}},
		"last.fm's own 429":        {&APIError{API: apiLastFM, Status: 200, Code: "29", RetryAfter: 7 * time.Second}, put},
		"last.fm's own 503":        {&APIError{API: apiLastFM, Status: 200, Code: "16"}, again},
		"last.fm suspended":        {&APIError{API: apiLastFM, Status: 200, Code: "26"}, never},
		"no answer":                {&callError{api: apiSpotify, err: errors.New("connection reset")}, again},
		"cancelled":                {&callError{api: apiSpotify, err: context.Canceled}, never},
		"made, perhaps":            {&makingError{&APIError{API: apiSpotify, Status: 502}}, never},
		"made, no answer":          {&makingError{&callError{api: apiSpotify, err: errors.New("connection reset")}}, never},
		"not made":                 {&makingError{&APIError{API: apiSpotify, Status: 429, RetryAfter: 7 * time.Second}}, put},
		"something else":           {errors.New("no such column"), never},
	} {
		if got := Verdict(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
