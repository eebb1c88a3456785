package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/worker/upstream"
)

const (
	plainRetries = 2                      // after the first request of a call, as many clients of providers do
	plainPause   = 500 * time.Millisecond // before the first retry if the answer has no retry-after, and twice as long before the next
)

// recorder records the calls of one replica, in their order.
type recorder struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls []recordedCall
}

type recordedCall struct {
	method, path string
	header       http.Header
	body         []byte
}

// RoundTrip sends a request and records it. It does not record a refused request, because the replica sends that call again.
func (t *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	call := recordedCall{method: req.Method, path: req.URL.RequestURI(), header: req.Header.Clone()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		call.body = body
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	res, err := t.next.RoundTrip(req)
	if err == nil && res.StatusCode != http.StatusTooManyRequests {
		t.mu.Lock()
		t.calls = append(t.calls, call)
		t.mu.Unlock()
	}
	return res, err
}

// plainRun is the result of the same calls without a limiter, as --json prints it.
type plainRun struct {
	Slots    int     `json:"slots"`    // of each replica: requests in flight at the same time
	Retries  int     `json:"retries"`  // of a refused request, at most
	Calls    int64   `json:"calls"`    // the same as with the limiter
	Requests int64   `json:"requests"` // arrived at the simulator, with retries
	HTTP429  int64   `json:"http_429"`
	Lost     int64   `json:"lost"` // calls without a result after the last retry
	Seconds  float64 `json:"seconds"`
	Worst1s  int64   `json:"worst_1s"`

	stats upstream.Stats
}

// plainFleet makes calls like a fleet without a limiter: each replica has slots, and retries refused requests a few times.
type plainFleet struct {
	slots    int
	pause    time.Duration // before the first retry if the answer has no retry-after
	url      string
	upstream *upstream.Server
	client   *http.Client
	began    time.Time
	replicas []*plainReplica
}

type plainReplica struct {
	calls      []recordedCall
	done, lost atomic.Int64
}

func newPlainFleet(url string, server *upstream.Server, recorders []*recorder, slots int) *plainFleet {
	f := &plainFleet{slots: slots, pause: plainPause, url: url, upstream: server}
	for _, t := range recorders {
		f.replicas = append(f.replicas, &plainReplica{calls: t.calls})
	}
	f.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: slots * len(recorders)}, Timeout: time.Minute}
	return f
}

// run makes all calls. It returns the error of ctx if ctx ends first.
func (f *plainFleet) run(ctx context.Context) (*plainRun, error) {
	defer f.client.CloseIdleConnections()
	all, calling := errgroup.WithContext(ctx)
	for _, r := range f.replicas {
		next := make(chan recordedCall, len(r.calls))
		for _, c := range r.calls {
			next <- c
		}
		close(next)
		for range f.slots {
			all.Go(func() error {
				for c := range next {
					ok, err := f.call(calling, c)
					if err != nil {
						return err
					}
					if !ok {
						r.lost.Add(1)
					}
					r.done.Add(1)
				}
				return nil
			})
		}
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	took := time.Since(f.began)
	stats := f.upstream.Stats()
	run := &plainRun{
		Slots: f.slots, Retries: plainRetries, Requests: stats.Total, HTTP429: stats.Refused,
		Seconds: rounded(took.Seconds()), Worst1s: stats.Worst1s, stats: stats,
	}
	for _, r := range f.replicas {
		run.Calls += int64(len(r.calls))
		run.Lost += r.lost.Load()
	}
	return run, nil
}

// call makes one call, with retries, and reports whether it has a result. It returns the error of ctx if ctx ends first.
func (f *plainFleet) call(ctx context.Context, c recordedCall) (ok bool, err error) {
	for pause, again := f.pause, 0; ; pause, again = 2*pause, again+1 {
		ok, after := f.send(ctx, c)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if ok || again == plainRetries {
			return ok, nil
		}
		if after == 0 {
			after = pause
		}
		timer := time.NewTimer(after)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, ctx.Err()
		}
	}
}

// send sends one request and reads its answer. after is the retry-after of the answer, or 0 if it has none.
func (f *plainFleet) send(ctx context.Context, c recordedCall) (ok bool, after time.Duration) {
	req, err := http.NewRequestWithContext(ctx, c.method, f.url+c.path, bytes.NewReader(c.body))
	if err != nil {
		return false, 0
	}
	req.Header = c.header
	res, err := f.client.Do(req)
	if err != nil {
		return false, 0
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return false, 0
	}
	if res.StatusCode != http.StatusTooManyRequests {
		return true, 0
	}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		after = time.Duration(n) * time.Second
	}
	return false, after
}

// picture returns the state of the run.
func (f *plainFleet) picture(limit float64) picture {
	stats := f.upstream.Stats()
	p := picture{
		what: "Now without a limiter: " + meaning(f.slots), took: time.Since(f.began),
		calls: stats.Total, refused: stats.Refused, rate: limit, per100ms: stats.Per100ms,
	}
	for _, r := range f.replicas {
		done, lost := int(r.done.Load()), r.lost.Load()
		p.replicas = append(p.replicas, replicaPicture{
			done: done, total: len(r.calls), ended: done == len(r.calls),
			text: counted(int(lost), "result lost", "results lost"),
		})
	}
	return p
}

// meaning returns sentences that describe a run without the limiter.
func meaning(slots int) string {
	return fmt.Sprintf("the same calls in the same order, but none waits for the result of another. Each replica has %s. "+
		"A refused request is sent again, at most %d times, after the time that the provider asks for.",
		counted(slots, "slot", "slots"), plainRetries)
}

// compared returns two sentences that compare this run with the run with the limiter. lost is the number of results that the latter lost.
func (p *plainRun) compared(with summary, lost int64) string {
	return fmt.Sprintf("With the limiter, %s took %.1f s, the providers refused %s, and %s lost. Without it, they took %.1f s, the providers refused %s, and %s lost.",
		counted(int(p.Calls), "call", "calls"), with.Seconds, counted(int(with.HTTP429), "request", "requests"), counted(int(lost), "result was", "results were"),
		p.Seconds, counted(int(p.HTTP429), "request", "requests"), counted(int(p.Lost), "result was", "results were"))
}
