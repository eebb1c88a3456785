package upstreamtest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream/upstreamtest"
)

// TestScript sends a call a second, and reads what each is answered.
func TestScript(t *testing.T) {
	type step = upstreamtest.Step
	for name, row := range map[string]struct {
		steps []step
		want  []int
	}{
		"none":                    {nil, []int{200, 200}},
		"one call":                {[]step{{Status: 500}}, []int{500, 200}},
		"some calls":              {[]step{{Calls: 2, Status: 503}}, []int{503, 503, 200}},
		"the third":               {[]step{{Calls: 2}, {Status: 429}}, []int{200, 200, 429, 200}},
		"a time":                  {[]step{{For: 2 * time.Second, Status: 529}}, []int{529, 529, 200}},
		"a time after a call":     {[]step{{}, {For: 2 * time.Second, Status: 529}, {Status: 401}}, []int{200, 529, 529, 401, 200}},
		"a time of the handler's": {[]step{{For: 3 * time.Second}, {Status: 429}}, []int{200, 200, 200, 429, 200}},
		"no answer":               {[]step{{HangUp: true}}, []int{0, 200}},
		"no answer to the second": {[]step{{}, {HangUp: true}}, []int{200, 0, 200}}, // over a kept connection net/http would send it again
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1, Burst: 1}})
				api.Script(row.steps...)
				client := api.Client()
				var got, noted []int
				for range row.want {
					res, err := client.Get("http://api.test/") //nolint:noctx // the bubble bounds it
					if err != nil {
						got = append(got, 0)
					} else {
						got = append(got, res.StatusCode)
						_, _ = io.Copy(io.Discard, res.Body)
						_ = res.Body.Close()
					}
					time.Sleep(time.Second)
				}
				for _, c := range api.Calls() {
					noted = append(noted, c.Status)
				}
				if !cmp.Equal(got, row.want) || !cmp.Equal(noted, row.want) {
					t.Errorf("the answers are %v, noted as %v, want %v", got, noted, row.want)
				}
				api.Obeyed() // a refusal by the script fails no test
			})
		})
	}
}

// TestScriptAboveTheLimit: a call above the limit is refused and takes no step.
func TestScriptAboveTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := upstreamtest.New(&recorded{TB: t}, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1, Burst: 1}})
		api.Script(upstreamtest.Step{Status: 503}, upstreamtest.Step{Status: 500})
		var got []int
		for i := range 4 {
			status, _, _ := get(t, api.Client(), "/")
			got = append(got, status)
			if i%2 == 1 {
				time.Sleep(time.Second)
			}
		}
		// A refusal by the script is charged, so that the second call is above the limit.
		if want := []int{503, 429, 500, 429}; !cmp.Equal(got, want) {
			t.Errorf("the answers are %v, want %v", got, want)
		}
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1, Burst: 5}})
		api.Script(upstreamtest.Step{Calls: 2, Delay: 3 * time.Second})
		start := time.Now()
		if status, _, body := get(t, api.Client(), "/"); status != http.StatusOK || body != "{}" || time.Since(start) != 3*time.Second {
			t.Errorf("status %d, body %q after %v, want 200 after 3 s", status, body, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.test/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := api.Client().Do(req); err == nil || time.Since(start) != 4*time.Second { //nolint:bodyclose // there is none
			t.Errorf("a client with a timeout: error %v after %v, want one after 4 s", err, time.Since(start))
		}
		time.Sleep(5 * time.Second)
		if gone := api.Calls()[1]; gone.Status != 0 {
			t.Errorf("the call whose client hung up is noted with status %d", gone.Status)
		}
	})
}

func TestStepsAreChecked(t *testing.T) {
	for _, row := range []struct {
		step upstreamtest.Step
		want string
	}{
		{upstreamtest.Step{Calls: -1}, "calls is -1"},
		{upstreamtest.Step{For: -1}, "for is -1ns"},
		{upstreamtest.Step{Calls: 1, For: 1}, "calls is 1 and for is 1ns"},
		{upstreamtest.Step{Delay: -1}, "delay is -1ns"},
		{upstreamtest.Step{Status: 199}, "status is 199"},
		{upstreamtest.Step{Status: 600}, "status is 600"},
		{upstreamtest.Step{RetryAfter: 32 * 24 * time.Hour}, "retry-after is 768h0m0s"},
		{upstreamtest.Step{HangUp: true, Status: 500}, "status is 500 in a step that hangs up"},
	} {
		test := &recorded{TB: t}
		upstreamtest.New(test, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1, Burst: 1}}).Script(upstreamtest.Step{}, row.step)
		if len(test.fatal) != 1 || !strings.HasPrefix(test.fatal[0], "upstreamtest: step 1: "+row.want) {
			t.Errorf("%+v: %q, want %q", row.step, test.fatal, row.want)
		}
	}
}
