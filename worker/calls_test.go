package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker"
)

// logged returns a logger without times, and a function that returns its lines.
func logged() (*slog.Logger, func() []string) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return log, func() []string { return strings.Split(strings.TrimSpace(out.String()), "\n") }
}

// shop is an orchestrator whose routes have one token each and get another in a second.
func shop(t *testing.T) (*orchestrator.Orchestrator, *limiter.Limiter) {
	t.Helper()
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{
		"anthropic": {limiter.PerSecond(1, 1)}, "spotify": {limiter.PerSecond(1, 1)}, "lastfm": {limiter.PerSecond(1, 1)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Route: "lastfm"})
	if err != nil {
		t.Fatal(err)
	}
	return o, l
}

func closeShop(t *testing.T, o *orchestrator.Orchestrator, l *limiter.Limiter) {
	t.Helper()
	if err := errors.Join(o.Close(context.WithoutCancel(t.Context())), l.Close(context.WithoutCancel(t.Context()))); err != nil {
		t.Error(err)
	}
}

var (
	errRefused = errors.New("refused")
	errGone    = errors.New("the client has gone")
)

type (
	wrapper func(context.Context, *orchestrator.Orchestrator, *slog.Logger, string, orchestrator.Task[string], ...orchestrator.Option) (string, error)
	played  struct {
		value string
		err   error
		line  string
	}
)

// TestWrappersLogHowCallsEnd: each wrapper takes the token of its route and logs how its call ended, in virtual time.
func TestWrappersLogHowCallsEnd(t *testing.T) {
	wrappers := map[string]wrapper{"anthropic": worker.Anthropic[string], "spotify": worker.Spotify[string], "lastfm": worker.LastFM[string]}
	second := func(context.Context) (string, error) {
		time.Sleep(200 * time.Millisecond)
		return "found", nil
	}
	for _, tc := range []struct {
		name  string
		ended bool // the context ends after 300 ms
		taken bool // the token of the route is gone
		call  func() orchestrator.Task[string]
		opts  []orchestrator.Option
		want  played // the route is left out of the line
	}{
		{
			name: "it succeeds", call: func() orchestrator.Task[string] { return second },
			want: played{value: "found", line: `level=DEBUG msg="call ended" call="search tracks" attempts=1 waited=0s ran=200ms`},
		},
		{
			name: "it waits for its token", taken: true, call: func() orchestrator.Task[string] { return second },
			want: played{value: "found", line: `level=DEBUG msg="call ended" call="search tracks" attempts=1 waited=1s ran=200ms`},
		},
		{
			name: "it fails", call: func() orchestrator.Task[string] {
				return func(context.Context) (string, error) { return "", errRefused }
			},
			want: played{err: errRefused, line: `level=WARN msg="call failed" call="search tracks" attempts=1 waited=0s ran=0s error=refused`},
		},
		{
			name: "it succeeds at the second attempt", call: func() orchestrator.Task[string] {
				attempts := 0
				return func(ctx context.Context) (string, error) {
					if attempts++; attempts == 1 {
						time.Sleep(100 * time.Millisecond)
						return "", orchestrator.Again(errRefused, 3*time.Second)
					}
					return second(ctx)
				}
			},
			want: played{value: "found", line: `level=DEBUG msg="call ended" call="search tracks" attempts=2 waited=? ran=300ms`},
		},
		{
			name: "it panics", call: func() orchestrator.Task[string] {
				return func(context.Context) (string, error) { panic("broken") }
			},
			want: played{line: `level=WARN msg="call failed" call="search tracks" attempts=1 waited=0s ran=0s error="orchestrator: task panicked: broken"`},
		},
		{
			name: "it overruns its timeout", opts: []orchestrator.Option{orchestrator.Timeout(50 * time.Millisecond)},
			call: func() orchestrator.Task[string] { return second },
			want: played{line: `level=WARN msg="call failed" call="search tracks" attempts=1 waited=0s ran=50ms error=?`},
		},
		{
			name: "somebody gives up while it waits", ended: true, taken: true, call: func() orchestrator.Task[string] { return second },
			want: played{err: errGone, line: `level=DEBUG msg="call failed" call="search tracks" attempts=0 waited=300ms ran=0s error="the client has gone"`},
		},
		{
			name: "somebody gives up while it runs", ended: true, call: func() orchestrator.Task[string] {
				return func(ctx context.Context) (string, error) {
					<-ctx.Done()
					return "", context.Cause(ctx)
				}
			},
			want: played{err: errGone, line: `level=DEBUG msg="call failed" call="search tracks" attempts=1 waited=0s ran=300ms error="the client has gone"`},
		},
		{
			name: "the route is another one", opts: []orchestrator.Option{orchestrator.Route("nowhere")},
			call: func() orchestrator.Task[string] { return second },
			want: played{line: `level=WARN msg="call failed" call="search tracks" attempts=0 waited=0s ran=0s error=?`},
		},
	} {
		for route, wrap := range wrappers {
			t.Run(tc.name+", "+route, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o, l := shop(t)
					defer closeShop(t, o, l)
					if ok, err := l.Allow(t.Context(), route); tc.taken && !ok || err != nil {
						t.Fatalf("Allow: %t, %v, want true", ok, err)
					} else if !tc.taken {
						time.Sleep(time.Second) // the token is back
					}
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					if tc.ended {
						time.AfterFunc(300*time.Millisecond, func() { cancel(errGone) })
					}
					log, lines := logged()
					value, err := wrap(ctx, o, log, "search tracks", tc.call(), tc.opts...)
					line := strings.Join(lines(), "\n")
					t.Logf("%-36s %-10s %q, %v: %s", tc.name, route, value, err, line)
					line = masked(strings.Replace(line, " route="+route, "", 1), tc.want.line)
					if value != tc.want.value || (err != nil) != strings.Contains(tc.want.line, "failed") || tc.want.err != nil && !errors.Is(err, tc.want.err) {
						t.Errorf("value %q, error %v, want %q, %v", value, err, tc.want.value, tc.want.err)
					}
					if diff := cmp.Diff(tc.want.line, line); diff != "" {
						t.Errorf("log (-want +got):\n%s", diff)
					}
					time.Sleep(time.Minute) // the function that took too long returns
				})
			})
		}
	}
}

// masked is a line with "?" for each value for which a wanted line has "?".
func masked(line, want string) string {
	for _, key := range []string{"waited=", "error="} {
		if !strings.Contains(want, key+"?") {
			continue
		}
		before, after, _ := strings.Cut(line, key)
		_, rest, found := strings.Cut(after, " ")
		if line = before + key + "?"; found && key == "waited=" {
			line += " " + rest
		}
	}
	return line
}

// TestBatchLogsHowItEnded: results are in the order of the calls, and one line says how the batch ended.
func TestBatchLogsHowItEnded(t *testing.T) {
	calls := func(fail ...int) (all []orchestrator.Task[string]) {
		for i := range 3 {
			all = append(all, func(context.Context) (string, error) {
				time.Sleep(time.Duration(3-i) * time.Millisecond) // the last is the quickest
				if slices.Contains(fail, i) {
					return "", fmt.Errorf("call %d: %w", i, errRefused)
				}
				return fmt.Sprint("result ", i), nil
			})
		}
		return all
	}
	for _, tc := range []struct {
		name   string
		calls  []orchestrator.Task[string]
		opts   []orchestrator.Option
		gone   bool // the context has ended
		twice  bool // a batch of the id runs already
		values []string
		line   string
	}{
		{name: "all succeed", calls: calls(), values: []string{"result 0", "result 1", "result 2"}, line: `level=DEBUG msg="batch ended" batch=searches calls=3 failed=0 took=2.001s pending=0`},
		{name: "one fails", calls: calls(1), values: []string{"result 0", "", "result 2"}, line: `level=WARN msg="batch failed" batch=searches calls=3 failed=1 took=2.001s pending=0 error="call 1: refused"`},
		{name: "all fail", calls: calls(0, 1, 2), values: []string{"", "", ""}, line: `level=WARN msg="batch failed" batch=searches calls=3 failed=3 took=2.001s pending=0 error="call 0: refused"`},
		{name: "none", values: []string{}, line: `level=DEBUG msg="batch ended" batch=searches calls=0 failed=0 took=0s pending=0`},
		{name: "an unknown route", calls: calls(), opts: []orchestrator.Option{orchestrator.Route("nowhere")}, line: `level=WARN msg="batch failed" batch=searches calls=3 failed=0 took=0s pending=0 error=?`},
		{name: "a batch of the id runs", calls: calls(), twice: true, line: `level=WARN msg="batch failed" batch=searches calls=3 failed=0 took=0s pending=2 error=?`},
		{name: "somebody has given up", calls: calls(), gone: true, line: `level=DEBUG msg="batch failed" batch=searches calls=3 failed=? took=0s pending=0 error=?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, l := shop(t)
				defer closeShop(t, o, l)
				if tc.twice {
					if _, err := orchestrator.EnqueueBatch(t.Context(), o, "searches", calls()); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tc.gone {
					cancel(errGone)
				}
				log, lines := logged()
				values, err := worker.Batch(ctx, o, log, "searches", tc.calls, tc.opts...)
				line := strings.Join(lines(), "\n")
				t.Logf("%-24s %q: %s", tc.name, values, line)
				if tc.gone { // the batch may see the outcomes first, or the end of the context
					line, values = strings.NewReplacer("failed=0 ", "failed=? ", "failed=3 ", "failed=? ").Replace(line), nil
				}
				if diff := cmp.Diff(tc.line, masked(line, tc.line)); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.values, values); diff != "" || (err != nil) != strings.Contains(tc.line, "batch failed") {
					t.Errorf("error %v, values (-want +got):\n%s", err, diff)
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestWithoutALogger: calls and batches also run without a logger.
func TestWithoutALogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, l := shop(t)
		defer closeShop(t, o, l)
		call := func(context.Context) (int, error) { return 7, nil }
		one, err := worker.LastFM(t.Context(), o, nil, "track", call)
		all, batchErr := worker.Batch(t.Context(), o, nil, "", []orchestrator.Task[int]{call})
		if one != 7 || !slices.Equal(all, []int{7}) || err != nil || batchErr != nil {
			t.Errorf("the call returned %d, %v; the batch returned %v, %v", one, err, all, batchErr)
		}
	})
}
