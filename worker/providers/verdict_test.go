package providers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

func TestVerdicts(t *testing.T) {
	again, put, never := orchestrator.Verdict{Again: true}, orchestrator.Verdict{Again: true, After: 7 * time.Second, Throttled: true}, orchestrator.Verdict{}
	over := orchestrator.Verdict{Again: true, Overloaded: true}
	for name, c := range map[string]struct {
		err  error
		want orchestrator.Verdict
	}{
		"a refusal":                 {&APIError{API: APISpotify, Status: 403}, never},
		"too many":                  {&APIError{API: APISpotify, Status: 429, RetryAfter: 7 * time.Second}, put},
		"too many, in a step":       {fmt.Errorf("create playlist: %w", &APIError{API: APISpotify, Status: 429, RetryAfter: 7 * time.Second}), put},
		"a quota that is spent":     {&APIError{API: APISpotify, Status: 429, Code: "QUOTA_EXCEEDED", RetryAfter: 7 * time.Second}, never},
		"overloaded":                {&APIError{API: APIAnthropic, Status: 529}, over},
		"unavailable, with a time":  {&APIError{API: APIAnthropic, Status: 503, RetryAfter: time.Second}, orchestrator.Verdict{Again: true, After: time.Second, Overloaded: true}},
		"broken":                    {&APIError{API: APISpotify, Status: 500}, again},
		"529 of another":            {&APIError{API: APISpotify, Status: 529}, again},
		"last.fm's own 429":         {&APIError{API: APILastFM, Status: 200, Code: "29", RetryAfter: 7 * time.Second}, put},
		"last.fm's own 503":         {&APIError{API: APILastFM, Status: 200, Code: "16"}, over},
		"last.fm suspended":         {&APIError{API: APILastFM, Status: 200, Code: "26"}, never},
		"no answer":                 {&callError{api: APISpotify, err: errors.New("connection reset")}, again},
		"cancelled":                 {&callError{api: APISpotify, err: context.Canceled}, never},
		"made, perhaps":             {&makingError{&APIError{API: APISpotify, Status: 502}}, never},
		"made, perhaps, overloaded": {&makingError{&APIError{API: APISpotify, Status: 503}}, orchestrator.Verdict{Overloaded: true}},
		"made, no answer":           {&makingError{&callError{api: APISpotify, err: errors.New("connection reset")}}, never},
		"not made":                  {&makingError{&APIError{API: APISpotify, Status: 429, RetryAfter: 7 * time.Second}}, put},
		"something else":            {errors.New("no such column"), never},
	} {
		if got := Verdict(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
