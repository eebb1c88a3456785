package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/upstream"
)

// TestDemoWithout runs the demonstration with --without and checks that the JSON object and the page have both runs.
func TestDemoWithout(t *testing.T) {
	args := []string{"demo", "--without", "--replicas", "2", "--tracks", "2", "--rate", "100", "--burst", "10"}
	status, stdout, stderr := run(t, nil, append(args, "--json")...)
	if status != cli.OK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var s summary
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(&s); err != nil || in.More() {
		t.Fatalf("stdout is not one object: %v: %s", err, stdout)
	}
	calls := s.Calls["anthropic"] + s.Calls["spotify"] + s.Calls["lastfm"]
	w := s.Without
	if w == nil || w.Slots != 10 || w.Retries != plainRetries || w.Calls != calls || s.HTTP429 != 0 || s.Lost != 0 {
		t.Fatalf("%s", stdout)
	}
	// A refused request is sent again, or it is the last request of a call without a result.
	if w.HTTP429 == 0 || w.Requests != w.Calls+w.HTTP429-w.Lost || w.Requests > (1+plainRetries)*w.Calls {
		t.Errorf("%+v", *w)
	}

	status, stdout, stderr = run(t, nil, args...)
	if status != cli.OK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{"with the limiter", "REFUSED", "at most 2 times", "Without it, they took", "the providers refused 0, no result was lost."} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout)
		}
	}
	wantPlain(t, stdout+stderr)
}

// TestPlainClientRetriesTwice checks that the client sends a refused request again after its retry-after, at most two times.
func TestPlainClientRetriesTwice(t *testing.T) {
	for _, c := range []struct {
		refusals int // of each call before the provider answers it
		sent     int
		lost     int64
	}{{0, 1, 0}, {1, 2, 0}, {2, 3, 0}, {3, 3, 1}} {
		var bodies []string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-Key")+" "+string(b))
			if len(bodies) <= c.refusals {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}))
		sim, err := upstream.New(upstream.Default())
		if err != nil {
			t.Fatal(err)
		}
		// The provider refuses the call once, and the recorder has it only once.
		answers := []int{http.StatusTooManyRequests, http.StatusOK}
		tp := &recorder{next: answering(func(r *http.Request) *http.Response {
			status := answers[0]
			answers = answers[1:]
			return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}
		})}
		for range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://provider/v1/messages?x=1", strings.NewReader("question"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Key", "k")
			res, err := tp.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
		f := newPlainFleet(srv.URL, sim, []*recorder{tp}, 3)
		f.pause = time.Millisecond
		f.began = time.Now()
		run, err := f.run(t.Context())
		srv.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d refusals: sent %d times, %d lost", c.refusals, len(bodies), run.Lost)
		if len(bodies) != c.sent || run.Lost != c.lost || run.Calls != 1 {
			t.Errorf("%d refusals: %q, %+v", c.refusals, bodies, run)
		}
		for _, b := range bodies {
			if b != "POST /v1/messages?x=1 k question" {
				t.Errorf("another call: %q", b)
			}
		}
	}
}

type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// TestDemoInterrupted checks the sentence that an interrupted run prints, with and without the limiter. The error is [context.Canceled], for which
// the command exits with 130.
func TestDemoInterrupted(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	for name, c := range map[string]struct {
		without bool
		rate    int64
		after   string // the first line on stderr that has this
		says    string
	}{
		"with the limiter": {false, 10, "1 replica runs", "Interrupted: 1 replica made "},
		"at once":          {false, 10, "Redis", "Interrupted before the first call."},
		"without":          {true, 500, "Now without", "Interrupted without the limiter; before that, with it: 1 replica made "},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			cmd := &demoCmd{Replicas: 1, Tracks: 10, Without: c.without, sceneFlags: sceneFlags{Scene: sceneBudget}, budgetFlags: budgetFlags{Namespace: "weir", Slots: 10, Rate: rate{c.rate, time.Second}, Burst: 20}}
			var out bytes.Buffer
			errs := writing(func(b []byte) {
				if bytes.Contains(b, []byte(c.after)) {
					interrupt()
				}
			})
			err := cmd.Run(ctx, cli.Streams{Out: &out, Err: errs})
			if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
				t.Errorf("the error is %v", err)
			}
			if got := strings.Join(strings.Fields(out.String()), " "); !strings.HasPrefix(got, c.says) || !strings.HasSuffix(got, ".") {
				t.Errorf("%q, want %q", got, c.says)
			}
		})
	}
}

type writing func([]byte)

func (w writing) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
