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
		"a quota that is spent":     {&APIError{API: APISpotify, Status: 429, Spent: true, RetryAfter: 7 * time.Second}, never},
		"overloaded":                {&APIError{API: APIAnthropic, Status: 529}, over},
		"unavailable, with a time":  {&APIError{API: APIAnthropic, Status: 503, RetryAfter: time.Second}, orchestrator.Verdict{Again: true, After: time.Second, Overloaded: true}},
		"last.fm's own 429":         {&APIError{API: APILastFM, Status: 200, Code: "29", RetryAfter: 7 * time.Second}, put},
		"last.fm's own 503":         {&APIError{API: APILastFM, Status: 200, Code: "16"}, over},
		"last.fm's own 500":         {&APIError{API: APILastFM, Status: 400, Code: "8"}, again},
		"an 8 of somebody else":     {&APIError{API: APISpotify, Status: 400, Code: "8"}, never},
		"put off":                   {&putOffError{APILastFM, 7 * time.Second}, put},
		"patience":                  {&patientError{&APIError{API: APIAnthropic, Status: 529}, 7 * time.Second}, orchestrator.Verdict{Again: true, Overloaded: true, Patience: 7 * time.Second}},
		"patience for less":         {&patientError{&APIError{API: APIAnthropic, Status: 429, RetryAfter: 7 * time.Second}, time.Second}, orchestrator.Verdict{Again: true, After: 7 * time.Second, Throttled: true, Patience: time.Second}},
		"no patience":               {&patientError{&APIError{API: APIAnthropic, Status: 400}, time.Second}, never},
		"last.fm suspended":         {&APIError{API: APILastFM, Status: 200, Code: "26"}, never},
		"no answer":                 {&callError{api: APISpotify, err: errors.New("connection reset")}, again},
		"cancelled":                 {&callError{api: APISpotify, err: context.Canceled}, never},
		"made, perhaps":             {&makingError{&APIError{API: APISpotify, Status: 502}}, never},
		"made, no answer":           {&makingError{&callError{api: APISpotify, err: errors.New("connection reset")}}, never},
		"not made":                  {errNotMade, again},
		"an ended token":            {&APIError{API: APISpotify, Status: 401, Renewed: true}, orchestrator.Verdict{Again: true, Patience: time.Millisecond}},
		"a wrong token":             {&APIError{API: APISpotify, Status: 401}, never},
		"slow":                      {&callError{api: APISpotify, err: slowError{time.Minute}}, again},
		"the caller's deadline":     {&callError{api: APISpotify, err: context.DeadlineExceeded}, never},
		"something else":            {errors.New("no such column"), never},
		"broken":                    {&APIError{API: APISpotify, Status: 500}, again},
		"529 of another":            {&APIError{API: APISpotify, Status: 529}, again},
		"made, perhaps, overloaded": {&makingError{&APIError{API: APISpotify, Status: 503}}, orchestrator.Verdict{Overloaded: true}},
	} {
		if got := Verdict(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestPatientCallOutlastsHalfAMinute: the promised number of attempts takes more than half a minute. Errors that are not worth another attempt
// stay unchanged.
func TestPatientCallOutlastsHalfAMinute(t *testing.T) {
	busy, refused := error(&APIError{API: APIAnthropic, Status: 529}), error(&APIError{API: APIAnthropic, Status: 400})
	ends := busy
	call := Patiently(func(context.Context) (string, error) { return "", ends })
	var spread time.Duration
	for range PatientAttempts - 1 {
		_, err := call(t.Context())
		v := Verdict(err)
		if !v.Again || v.Throttled || v.After != 0 || v.Patience > longestPatience || !errors.Is(err, busy) {
			t.Errorf("error %v has the verdict %+v, want another attempt within %v", err, v, longestPatience)
		}
		spread += v.Patience
	}
	if spread != 79500*time.Millisecond {
		t.Errorf("%d attempts are spread over %v", PatientAttempts, spread)
	}
	for _, ends = range []error{refused, nil} {
		if _, err := call(t.Context()); err != ends { //nolint:errorlint // the very error
			t.Errorf("%v became %v", ends, err)
		}
	}
}
