package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/orchestrator"
)

// over makes an orchestrator of a configuration over a limiter, and closes both when the test of a bubble is over.
func over(t *testing.T, l *limiter.Limiter, err error, cfg orchestrator.Config) (o *orchestrator.Orchestrator, end func()) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Limiter = l
	if o, err = orchestrator.New(cfg); err != nil {
		t.Fatal(err)
	}
	return o, func() {
		if err := o.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// refusals is a task that a provider refuses some times before it succeeds. It notes when its attempts started.
type refusals struct {
	left   int
	err    error
	starts []time.Time
}

func (r *refusals) run(context.Context) (int, error) {
	r.starts = append(r.starts, time.Now())
	if r.left--; r.left >= 0 {
		return 0, r.err
	}
	return len(r.starts), nil
}

// TestARefusalShutsTheFleet: the refusal of one replica's task stops the tasks of another replica, whether the refused task runs again or
// not. From the end of the hold on, tasks start at the rate. The refused tasks start again at the rate as well.
func TestARefusalShutsTheFleet(t *testing.T) {
	const hold = 3 * time.Second
	for name, attempts := range map[string]int{"the only attempt": 1, "an attempt of two": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				var fleet [2]*orchestrator.Orchestrator
				for i := range fleet {
					rdb := redis.NewClient(limitertest.Options(m))
					defer rdb.Close()
					l, err := limiter.New(t.Context(), rdb, oneBucket(40, 40))
					o, end := over(t, l, err, orchestrator.Config{Slots: 20, Retry: orchestrator.Retry{First: time.Millisecond, Most: time.Millisecond}})
					defer end()
					fleet[i] = o
				}
				var mu sync.Mutex
				var starts []time.Time
				note := func() {
					mu.Lock()
					defer mu.Unlock()
					starts = append(starts, time.Now())
				}
				var all sync.WaitGroup
				gate := make(chan struct{})
				for range 20 { // refused at the same time
					all.Go(func() {
						first := true
						_, err := orchestrator.Execute(t.Context(), fleet[0], func(context.Context) (int, error) {
							if note(); first {
								first = false
								<-gate
								return 0, orchestrator.Again(errFailed, hold)
							}
							return 0, nil
						}, orchestrator.Attempts(attempts))
						if attempts > 1 && err != nil || attempts == 1 && !errors.Is(err, errFailed) {
							t.Error(err)
						}
					})
				}
				all.Go(func() {
					b, err := orchestrator.EnqueueBatch(t.Context(), fleet[1], "", slices.Repeat([]orchestrator.Task[int]{func(context.Context) (int, error) { note(); return 0, nil }}, 200))
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := b.Values(t.Context()); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(2 * time.Second)
				close(gate)
				refused := time.Now()
				all.Wait()
				during, burst, second := 0, 0, 0
				for _, at := range starts {
					switch after := at.Sub(refused); {
					case after > limiter.DefaultHorizon && after < hold:
						during++
					case after >= hold && after < hold+100*time.Millisecond:
						burst++
						second++
					case after >= hold && after < hold+time.Second:
						second++
					}
				}
				t.Logf("a hold of %v: %d tasks started between a horizon after the refusal and its end, %d in the 100 ms and %d in the second after it", hold, during, burst, second)
				if during > 0 || burst > 6 || second < 25 || second > 41 { // twenty refusals at one moment cut the rate to 0.7 for a while
					t.Errorf("%d tasks started during the hold, %d in the 100 ms and %d in the second after it", during, burst, second)
				}
			})
		})
	}
}

// TestARefusedTaskWaitsAtLeast as long as its provider asks, also where no bucket is shut, and the refusal costs no attempt.
func TestARefusedTaskWaitsAtLeast(t *testing.T) {
	for name, c := range map[string]struct {
		limiter func(limiter.Config) (*limiter.Limiter, error)
		shadow  bool
		after   time.Duration
		reports limiter.Report // the transport has reported this before
	}{
		"in memory":                       {limiter: limiter.NewMemory, after: 2 * time.Second},
		"for more than 30 s":              {limiter: limiter.NewMemory, after: 45 * time.Second},
		"without limits":                  {limiter: limiter.NewUnlimited, after: 2 * time.Second},
		"without limits, for long":        {limiter: limiter.NewUnlimited, after: 45 * time.Second},
		"in shadow mode":                  {limiter: limiter.NewMemory, shadow: true, after: 2 * time.Second},
		"where a shorter one is known":    {limiter: limiter.NewMemory, after: 2 * time.Second, reports: limiter.Throttled{RetryAfter: time.Second}},
		"where another was reported":      {limiter: limiter.NewMemory, after: 2 * time.Second, reports: limiter.Overloaded{}},
		"for less than the pause is long": {limiter: limiter.NewUnlimited, after: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limits := oneBucket(100, 100)
				limits.Shadow = c.shadow
				l, err := c.limiter(limits)
				const pause = 10 * time.Millisecond
				o, end := over(t, l, err, orchestrator.Config{Retry: orchestrator.Retry{First: pause, Most: pause}})
				defer end()
				r := &refusals{left: 3, err: orchestrator.Again(errFailed, c.after)}
				n, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
					if s, ok := limiter.FromContext(ctx); ok && c.reports != nil {
						_ = s.Report(ctx, c.reports)
					}
					return r.run(ctx)
				})
				if n != 4 || err != nil {
					t.Errorf("%d attempts, %v", n, err)
				}
				for i := 1; i < len(r.starts); i++ {
					if wait := r.starts[i].Sub(r.starts[i-1]); wait < c.after-100*time.Millisecond || wait < c.after*9/10 || wait > c.after+pause+gently(c.after) {
						t.Errorf("attempt %d came %v after the one before, which was asked to wait %v", i+1, wait, c.after)
					}
				}
				if s := o.Snapshot(); s.Retried != 3 || s.Late != 0 || s.Done != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// gently is how long after the end of a hold the next call may start. A hold of more than 30 s ends with one call a second.
func gently(hold time.Duration) time.Duration {
	if hold > 30*time.Second {
		return time.Second + 50*time.Millisecond
	}
	return 50 * time.Millisecond
}

// TestARefusedTaskWaitsInLine: its pause is over when the hold ends, and it starts before the tasks that came after it.
func TestARefusedTaskWaitsInLine(t *testing.T) {
	for _, hold := range []time.Duration{3 * time.Second, 40 * time.Second} {
		inBubbleOver(t, oneBucket(10, 10), orchestrator.Config{Slots: 2, Retry: orchestrator.Retry{First: time.Second, Most: time.Second}}, func(t *testing.T, o *orchestrator.Orchestrator) {
			for range 5 {
				r := &refusals{left: 1, err: orchestrator.Again(errFailed, hold)}
				f := submit(t, t.Context(), o, r.run)
				synctest.Wait()
				var first time.Time
				younger := submit(t, t.Context(), o, func(context.Context) (int, error) { first = time.Now(); return 0, nil })
				for _, f := range []*orchestrator.Future[int]{f, younger} {
					if _, err := f.Await(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if wait := r.starts[1].Sub(r.starts[0]); wait > hold+100*time.Millisecond+gently(hold) || first.Before(r.starts[1]) {
					t.Errorf("a hold of %v: the refused task waited %v, and started %v before a younger one", hold, wait, first.Sub(r.starts[1]))
				}
				time.Sleep(2 * time.Second)
			}
		})
	}
}

// TestCloseWaitsForAReport: when Close returns, the report that a provider asks to wait is in Redis.
func TestCloseWaitsForAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, onlooker := limitertest.Redis(t)
		rdb := redis.NewClient(limitertest.Options(m))
		defer rdb.Close()
		l, err := limiter.New(t.Context(), rdb, oneBucket(40, 40))
		o, end := over(t, l, err, orchestrator.Config{})
		if _, err := orchestrator.Execute(t.Context(), o, failing(orchestrator.Again(errFailed, time.Hour))); !errors.Is(err, errFailed) {
			t.Error(err)
		}
		end()
		s, err := limiter.ReadSnapshot(t.Context(), onlooker, limiter.DefaultNamespace)
		if err != nil || len(s.Buckets) != 1 || s.Buckets[0].PausedFor < 59*time.Minute {
			t.Errorf("%+v, %v", s.Buckets, err)
		}
	})
}

// TestALongRefusalIsAPause of the fleet, whether the task waits for it or not. A task that would wait for too long ends at once.
func TestALongRefusalIsAPause(t *testing.T) {
	inBubbleOver(t, oneBucket(100, 100), orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		if _, err := orchestrator.Execute(t.Context(), o, failing(orchestrator.Again(errFailed, time.Hour))); !errors.Is(err, errFailed) || time.Since(begin) > 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := orchestrator.Execute(short, o, value(1))
		if late, ok := errors.AsType[*limiter.DeadlineError](err); !ok || late.Ready < 59*time.Minute || time.Since(begin) > time.Second {
			t.Errorf("a task of the next ten minutes: %v after %v", err, time.Since(begin))
		}
	})
}

// TestAHoldEndsTasksInLine whose deadline is earlier than its end, as soon as their lane learns of the hold. Tasks with a later deadline
// wait, and tasks with a reservation start. Usually a lane learns of a hold from the reply to its next request, or to the request after its
// reservations were used. A lane that Redis has just asked to wait asks again within 5 s.
func TestAHoldEndsTasksInLine(t *testing.T) {
	const within = 5*time.Second + 2*limiter.DefaultHorizon
	for name, c := range map[string]struct {
		limit  limiter.Limit
		after  time.Duration
		starts int
	}{
		"ten a second, 10 s":     {limiter.PerSecond(10, 1), 10 * time.Second, 3},
		"ten a second, a minute": {limiter.PerSecond(10, 1), time.Minute, 3},
		"one in 20 s, 25 s":      {limiter.Limit{Tokens: 1, Per: 20 * time.Second, Burst: 1}, 25 * time.Second, 0},
		"a thousand a second":    {limiter.PerSecond(1000, 1), 10 * time.Second, 250},
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleOver(t, limiter.SingleBucket("global", c.limit), orchestrator.Config{Slots: 8}, func(t *testing.T, o *orchestrator.Orchestrator) {
				gate := make(chan struct{})
				r := &refusals{left: 1, err: orchestrator.Again(errFailed, c.after)}
				refused := submit(t, t.Context(), o, func(ctx context.Context) (int, error) {
					if len(r.starts) == 0 {
						<-gate
					}
					return r.run(ctx)
				})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), c.after*9/10)
				defer cancel()
				tasks := make([]*orchestrator.Future[int], c.starts+5)
				for i := range tasks {
					tasks[i] = submit(t, ctx, o, value(1))
				}
				patient := submit(t, t.Context(), o, value(1))
				close(gate)
				begin, started := time.Now(), 0
				for _, f := range tasks {
					_, err := f.Await(t.Context())
					if _, late := errors.AsType[*limiter.DeadlineError](err); err == nil {
						started++
					} else if !late {
						t.Error(err)
					}
				}
				took := time.Since(begin)
				t.Logf("%d of %d tasks started, the others ended after %v", started, len(tasks), took)
				if took > within || started > c.starts {
					t.Errorf("%d tasks started, want %d at most; the last of the others ended after %v, want %v", started, c.starts, took, within)
				}
				for _, f := range []*orchestrator.Future[int]{patient, refused} {
					if _, err := f.Await(t.Context()); err != nil || time.Since(begin) < c.after*9/10 {
						t.Errorf("%v after %v", err, time.Since(begin))
					}
				}
			})
		})
	}
}

// TestARefusedTaskWithoutTimeEndsWithItsError at once: it would only wait for its deadline.
func TestARefusedTaskWithoutTimeEndsWithItsError(t *testing.T) {
	inBubbleOver(t, oneBucket(10, 10), orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := orchestrator.Execute(ctx, o, failing(orchestrator.Again(errFailed, 3*time.Second))); !errors.Is(err, errFailed) || time.Since(begin) > 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestVerdictsAreCountedAndTraced: each refusal is counted once, by kind, also where the transport has reported it before.
func TestVerdictsAreCountedAndTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, recorder := sdkmetric.NewManualReader(), tracetest.NewSpanRecorder()
		limits := oneBucket(100, 100)
		limits.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		l, err := limiter.NewMemory(limits)
		throttled, overloaded, both := errors.New("429"), errors.New("529"), errors.New("429 of an overloaded provider")
		o, end := over(t, l, err, orchestrator.Config{
			TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)),
			Retry: orchestrator.Retry{Classify: func(err error) orchestrator.Verdict {
				return orchestrator.Verdict{
					Throttled: errors.Is(err, throttled) || errors.Is(err, both), Overloaded: errors.Is(err, overloaded) || errors.Is(err, both),
					After: 1500 * time.Millisecond,
				}
			}},
		})
		defer end()
		for _, err := range []error{throttled, overloaded, both, errFailed} {
			_, _ = orchestrator.Execute(t.Context(), o, failing(err), orchestrator.Name(err.Error()))
		}
		_, _ = orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			r, _ := limiter.FromContext(ctx)
			_ = r.Report(ctx, limiter.Throttled{RetryAfter: time.Second})
			return 0, throttled
		})
		got := collected(t, reader)
		wantEqual(t, "throttled", got["weir.throttled global throttled"], 3)
		wantEqual(t, "overloaded", got["weir.throttled global overloaded"], 1)
		var events []string
		for _, s := range recorder.Ended() {
			for _, e := range s.Events() {
				if e.Name == "reported" {
					events = append(events, fmt.Sprint(s.Name(), " ", e.Attributes[0].Value.String(), " ", e.Attributes[1].Value.AsFloat64()))
				}
			}
		}
		if want := []string{"execute throttled 1.5", "execute overloaded 1.5", "execute throttled 1.5", "execute throttled 1.5"}; !slices.Equal(events, want) {
			t.Errorf("events %q, want %q", events, want)
		}
	})
}

// mutedConn is a connection that sends nothing once it is muted.
type mutedConn struct {
	net.Conn

	muted *atomic.Bool
}

func (c mutedConn) Write(p []byte) (int, error) {
	if c.muted.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// TestAReportDelaysNothing: while Redis does not answer, a task that was refused ends at once, and Close within the bound of a report, or
// within the grace.
func TestAReportDelaysNothing(t *testing.T) {
	for name, c := range map[string]struct{ after, patience, most time.Duration }{
		"short":               {limiter.PromptHold, time.Minute, 0},
		"long":                {time.Hour, time.Minute, 5 * time.Second},
		"long, in a hurry":    {time.Hour, time.Second, time.Second + orchestrator.DefaultGrace},
		"long, out of time":   {time.Hour, 0, orchestrator.DefaultGrace},
		"without Retry-After": {0, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				opts, muted := limitertest.Options(m), new(atomic.Bool)
				dial := opts.Dialer
				opts.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := dial(ctx, network, addr)
					return mutedConn{conn, muted}, err
				}
				rdb := redis.NewClient(opts)
				defer rdb.Close()
				l, err := limiter.New(t.Context(), rdb, oneBucket(40, 40))
				if err != nil {
					t.Fatal(err)
				}
				o, err := orchestrator.New(orchestrator.Config{Limiter: l, Retry: orchestrator.Retry{
					Classify: func(error) orchestrator.Verdict { return orchestrator.Verdict{Throttled: true, After: c.after} },
				}})
				if err != nil {
					t.Fatal(err)
				}
				var begin time.Time
				_, err = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) {
					muted.Store(true)
					begin = time.Now()
					return 0, errFailed
				})
				if !errors.Is(err, errFailed) || time.Since(begin) > 0 {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				_ = o.Close(ctx)
				if took := time.Since(begin); took > c.most {
					t.Errorf("Close took %v", took)
				}
				muted.Store(false)
				ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_ = l.Close(ctx)
			})
		})
	}
}
