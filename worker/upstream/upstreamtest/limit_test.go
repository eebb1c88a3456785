package upstreamtest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream/upstreamtest"
)

// due is the earliest time of the k-th call, from 0, under a limit. It shares no code with the judge.
func due(l upstreamtest.Limit, k int) (at time.Duration) {
	if l.Rate != 0 {
		// In thousandths of a call a second, so that the time is a whole number that is rounded up once.
		behind, milli := int64(k)+1-l.Burst, int64(l.Rate*1000)
		at = max(0, time.Duration((behind*1_000_000_000_000+milli-1)/milli))
	}
	if w := l.Window; w.N != 0 {
		at = max(at, time.Duration(k/w.N)*w.Per)
	}
	return at
}

func limits() map[string]upstreamtest.Limit {
	return map[string]upstreamtest.Limit{
		"10 a second":               {Rate: 10, Burst: 10},
		"10 a second, burst 1":      {Rate: 10, Burst: 1},
		"3 a second, burst 7":       {Rate: 3, Burst: 7},
		"one in 2 s":                {Rate: 0.5, Burst: 1},
		"1,000 a second, burst 5":   {Rate: 1000, Burst: 5},
		"a million a second":        {Rate: 1_000_000, Burst: 2},
		"5 in any second":           {Window: upstreamtest.Window{N: 5, Per: time.Second}},
		"1 in any 30 s":             {Window: upstreamtest.Window{N: 1, Per: 30 * time.Second}},
		"5 in each second":          {Window: upstreamtest.Window{N: 5, Per: time.Second, Fixed: true}},
		"40 a second, 50 in 10 s":   {Rate: 40, Burst: 40, Window: upstreamtest.Window{N: 50, Per: 10 * time.Second}},
		"10 a second, 100 in 5 min": {Rate: 10, Burst: 3, Window: upstreamtest.Window{N: 100, Per: 5 * time.Minute}},
	}
}

// TestLimit sends calls to the token, and calls of which one comes a nanosecond too early.
func TestLimit(t *testing.T) {
	const calls = 60
	for name, limit := range limits() {
		t.Run(name, func(t *testing.T) {
			send := func(t *testing.T, early int) *upstreamtest.API {
				api := upstreamtest.New(t, upstreamtest.Config{Limit: limit})
				client, start := api.Client(), time.Now()
				for k := range calls {
					at := due(limit, k)
					if k == early {
						at--
					}
					time.Sleep(time.Until(start.Add(at)))
					get(t, client, fmt.Sprintf("/call/%d", k))
				}
				return api
			}
			synctest.Test(t, func(t *testing.T) {
				if err := send(t, -1).Err(); err != nil {
					t.Errorf("a client that keeps the limit to the token is reported: %v", err)
				}
			})
			var later []int // calls that come later than the one before, so that they can come earlier
			for k := 1; k < calls; k++ {
				if due(limit, k) > due(limit, k-1) {
					later = append(later, k)
				}
			}
			tried := 0
			for i := 0; i < len(later); i += max(1, len(later)/8) {
				early := later[i]
				tried++
				synctest.Test(t, func(t *testing.T) {
					e, found := errors.AsType[*upstreamtest.LimitError](send(t, early).Err())
					if !found {
						t.Fatalf("call %d came a nanosecond too early, and is not reported", early+1)
					}
					if e.Number != early+1 || e.Early != 1 || e.Over != 1 || e.Total != calls {
						t.Errorf("call %d of %d came 1ns too early; reported are call %d, %v, %d of %d", early+1, calls, e.Number, e.Early, e.Over, e.Total)
					}
					if last := e.Stretch[len(e.Stretch)-1]; last.Path != fmt.Sprintf("/call/%d", early) || last.Status != http.StatusTooManyRequests {
						t.Errorf("the stretch ends with %+v", last)
					}
				})
			}
			t.Logf("%d clients with one call too early", tried)
			if tried == 0 {
				t.Error("no client was tried that breaks the limit")
			}
		})
	}
}

// TestOneTooManyAtOnce: the burst is the burst, at every rate.
func TestOneTooManyAtOnce(t *testing.T) {
	for name, limit := range limits() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := upstreamtest.New(t, upstreamtest.Config{Limit: limit})
				n := 0
				for ; due(limit, n) == 0; n++ {
					get(t, api.Client(), "/")
				}
				if err := api.Err(); err != nil {
					t.Errorf("%d calls at once are reported: %v", n, err)
				}
				get(t, api.Client(), "/")
				e, found := errors.AsType[*upstreamtest.LimitError](api.Err())
				if !found || len(e.Stretch) != n+1 || e.Window != (int64(n) != limit.Burst) {
					t.Errorf("%d calls at once, one too many: %v", n+1, api.Err())
				}
			})
		})
	}
}

// TestSlack: if calls are late by at most the slack, the calls behind them may be on time, and nothing is reported.
func TestSlack(t *testing.T) {
	limit := upstreamtest.Limit{Rate: 10, Burst: 2}
	const slack = 300 * time.Millisecond
	for _, row := range []struct {
		late     time.Duration
		reported bool
	}{{0, false}, {slack / 2, false}, {slack, false}, {slack + time.Nanosecond, true}} {
		t.Run(row.late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := upstreamtest.New(t, upstreamtest.Config{Limit: limit, Slack: slack})
				client, start := api.Client(), time.Now()
				for k := range 30 {
					at := due(limit, k)
					if k == 0 || k == 20 { // the calls behind it are late only as long as they have to wait for it
						at += row.late
					}
					time.Sleep(time.Until(start.Add(at)))
					get(t, client, "/")
				}
				if err := api.Err(); (err != nil) != row.reported {
					t.Errorf("a call was late by %v, the slack is %v: %v", row.late, slack, err)
				}
			})
		})
	}
}

// TestStretch: the stretch is the shortest, whatever came before.
func TestStretch(t *testing.T) {
	for name, row := range map[string]struct {
		limit upstreamtest.Limit
		ms    []int // of the calls
		want  []int // numbers of the first and the last call of the stretch
	}{
		"at once":             {upstreamtest.Limit{Rate: 10, Burst: 3}, []int{0, 0, 0, 0}, []int{1, 4}},
		"after an idle time":  {upstreamtest.Limit{Rate: 10, Burst: 3}, []int{0, 5000, 5000, 5000, 5000}, []int{2, 5}},
		"slowly":              {upstreamtest.Limit{Rate: 10, Burst: 1}, []int{0, 1000, 1100, 1200, 1290}, []int{4, 5}},
		"little by little":    {upstreamtest.Limit{Rate: 10, Burst: 2}, []int{0, 1000, 1070, 1140, 1210, 1280}, []int{2, 6}},
		"a sliding window":    {upstreamtest.Limit{Window: upstreamtest.Window{N: 2, Per: time.Second}}, []int{0, 900, 1000, 1500}, []int{2, 4}},
		"a fixed window":      {upstreamtest.Limit{Window: upstreamtest.Window{N: 2, Per: time.Second, Fixed: true}}, []int{900, 900, 1000, 1500, 1999}, []int{3, 5}},
		"the second is later": {upstreamtest.Limit{Rate: 10, Burst: 1}, []int{0, 50, 100, 120, 140}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := upstreamtest.New(t, upstreamtest.Config{Limit: row.limit})
				client, start := api.Client(), time.Now()
				for _, ms := range row.ms {
					time.Sleep(time.Until(start.Add(time.Duration(ms) * time.Millisecond)))
					get(t, client, "/")
				}
				e, found := errors.AsType[*upstreamtest.LimitError](api.Err())
				if !found {
					t.Fatal("nothing is reported")
				}
				if got := []int{e.Number - len(e.Stretch) + 1, e.Number}; !cmp.Equal(got, row.want) {
					t.Errorf("the stretch is calls %v, want %v:\n%v", got, row.want, e)
				}
			})
		})
	}
}

// TestComplaint pins the texts that a test prints.
func TestComplaint(t *testing.T) {
	for name, row := range map[string]struct {
		cfg   upstreamtest.Config
		calls int
		want  string
	}{
		"bucket": {upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 10, Burst: 2}}, 4, "" +
			"upstreamtest: 2 of 4 calls were above the limit of 10 calls a second, burst 2.\n" +
			"Call 3 came 80ms too early: from 10ms to 30ms, which is 20ms, 3 calls came, and the limit allows 2.\n" +
			"\tcall 1 at 10ms: GET /a\n\tcall 2 at 20ms: GET /a\n\tcall 3 at 30ms: GET /a"},
		"window with slack": {upstreamtest.Config{Limit: upstreamtest.Limit{Window: upstreamtest.Window{N: 8, Per: time.Minute}}, Slack: time.Second}, 9, "" +
			"upstreamtest: 1 of 9 calls were above the limit of 8 calls in any 1m0s, slack 1s.\n" +
			"Call 9 came 58.92s too early: from 10ms to 90ms, which is 80ms, 9 calls came, and the limit allows 8.\n" +
			"\tcall 1 at 10ms: GET /a\n\tcall 2 at 20ms: GET /a\n\tcall 3 at 30ms: GET /a\n\t... 3 more\n" +
			"\tcall 7 at 70ms: GET /a\n\tcall 8 at 80ms: GET /a\n\tcall 9 at 90ms: GET /a"},
		"fixed window": {upstreamtest.Config{Limit: upstreamtest.Limit{Window: upstreamtest.Window{N: 1, Per: time.Minute, Fixed: true}}}, 2, "" +
			"upstreamtest: 1 of 2 calls were above the limit of 1 calls in each 1m0s since the start.\n" +
			"Call 2 came 59.98s too early: from 10ms to 20ms, which is 10ms, 2 calls came, and the limit allows 1.\n" +
			"\tcall 1 at 10ms: GET /a\n\tcall 2 at 20ms: GET /a"},
		"no call": {upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1, Burst: 1}}, 0, "upstreamtest: no call has come, so the limit was not tested"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test := &recorded{TB: t}
				api := upstreamtest.New(test, row.cfg)
				for range row.calls {
					time.Sleep(10 * time.Millisecond)
					get(t, api.Client(), "/a")
				}
				if api.Obeyed() {
					t.Error("Obeyed returns true")
				}
				if diff := cmp.Diff([]string{row.want}, test.errors); diff != "" {
					t.Errorf("reported (-want +got):\n%s", diff)
				}
			})
		})
	}
}
