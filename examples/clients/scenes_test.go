package clients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// call is one call of a client.
type call func(context.Context) error

// subject is a client under weir's transport.
type subject struct {
	// make returns a call of the client that sends to url through hc.
	make func(hc *http.Client, url string) call
	// trouble is the answers of the provider before it serves the call, one answer for each request.
	trouble []answer
	// requests is the number of requests of a call that gets the answers of trouble.
	requests int64
	// refusal is the answer with which the provider refuses a call for 7 s.
	refusal answer
}

// answer is an answer of a provider that does not serve the call.
type answer struct {
	status int
	header http.Header
	body   string
}

var (
	// broken is an error of the provider. Its header asks for a short wait, so that the example is quick.
	broken = answer{status: http.StatusInternalServerError, header: http.Header{"Retry-After-Ms": {"1"}}}
	moved  = answer{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {"/elsewhere"}}}
	// refused is the answer of most providers to a call above their limit.
	refused = answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"7"}}}
)

const (
	calls = 6
	rate  = 20
	burst = 2
)

// waits makes calls one after the other. It returns the shortest time that the limit allows for them, and the time that they took. The time taken
// includes a millisecond for the rounding of clocks.
func (s subject) waits() (least, took time.Duration, err error) {
	p := newProvider(nil)
	defer p.close()
	f := newFleet(limiter.PerSecond(rate, burst))
	defer f.close()
	call := s.make(f.client(), p.url)
	requests := p.requests.Load
	began := time.Now()
	for range calls {
		err = errors.Join(err, call(context.Background()))
	}
	took = time.Since(began) + time.Millisecond
	return time.Duration(requests()-burst) * time.Second / rate, took, err
}

// takes makes a call that gets the answers of trouble. It returns how many requests reached the provider, and how many tokens the call took.
func (s subject) takes() (requests, tokens int64, err error) {
	p := newProvider(s.trouble)
	defer p.close()
	const all = 100
	f := newFleet(limiter.Limit{Tokens: 1, Per: time.Hour, Burst: all})
	defer f.close()
	err = s.make(f.client(), p.url)(context.Background())
	left, failed := f.replicas[0].Decide(context.Background(), route, 1)
	return p.requests.Load(), all - 1 - left.Remaining, errors.Join(err, failed)
}

// holds makes a call that the provider refuses. It returns how long another replica has to wait then. It cancels the call when the client has the
// refusal, because some clients would wait and try again.
func (s subject) holds() (time.Duration, error) {
	p := newProvider([]answer{s.refusal, s.refusal, s.refusal})
	defer p.close()
	f := newFleet(limiter.PerSecond(100, 100))
	defer f.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hc := f.client()
	hc.Transport = &watcher{next: hc.Transport, status: s.refusal.status, arrived: cancel}
	if err := s.make(hc, p.url)(ctx); err == nil {
		return 0, errors.New("a refused call has succeeded")
	}
	d, err := f.replicas[1].Decide(context.Background(), route, 1)
	return d.RetryAfter.Round(time.Second), err
}

// watcher is a RoundTripper that calls arrived at the first answer with a status.
type watcher struct {
	next    http.RoundTripper
	status  int
	arrived func()
	once    atomic.Bool
}

func (w *watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(req)
	if err == nil && res.StatusCode == w.status && w.once.CompareAndSwap(false, true) {
		w.arrived()
	}
	return res, err
}

// show runs the three scenes of a client for its example.
func (s subject) show() {
	least, took, err := s.waits()
	printLine(err, "calls wait for their tokens: %t", took >= least)
	requests, tokens, err := s.takes()
	printLine(err, "one call: %d requests, %d tokens", requests, tokens)
	after, err := s.holds()
	printLine(err, "the provider refuses one replica: another waits for %v", after)
}

func printLine(err error, format string, args ...any) {
	if err != nil {
		format, args = "%v", []any{err}
	}
	fmt.Printf(format+"\n", args...)
}

// TestEachClient runs the three scenes of each client.
func TestEachClient(t *testing.T) {
	for name, s := range map[string]subject{
		"net/http": netHTTP, "anthropic-sdk-go": claude, "resty": restyClient, "go-retryablehttp": retryable, "go-github": gitHub, "oauth2": oauth,
	} {
		t.Run(name, func(t *testing.T) {
			least, took, err := s.waits()
			if took < least || least < (calls-burst)*time.Second/rate || err != nil {
				t.Errorf("%d calls took %v, want %v or more: %v", calls, took, least, err)
			}
			requests, tokens, err := s.takes()
			if requests != s.requests || tokens != requests || err != nil {
				t.Errorf("%d requests, %d tokens, want %d: %v", requests, tokens, s.requests, err)
			}
			after, err := s.holds()
			if after != 7*time.Second || err != nil {
				t.Errorf("another replica waits for %v: %v", after, err)
			}
			t.Logf("%-17s %d calls in %v of at least %v; one call: %d requests, %d tokens; after a refusal another replica waits for %v",
				name, calls, took.Round(time.Millisecond), least, requests, tokens, after)
		})
	}
}
