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
	// make returns a call of the client, which sends through an http.Client to an address.
	make func(hc *http.Client, url string) call
	// trouble is what the provider answers before it serves the call, one answer for each request.
	trouble []answer
	// requests are those of a call that meets the trouble.
	requests int64
	// refusal is what the provider answers when it refuses a call for 7 s.
	refusal answer
}

// answer is what a provider answers instead of the truth.
type answer struct {
	status int
	header http.Header
	body   string
}

var (
	// broken is an error of the provider. The header asks for a short pause, so that the example is quick.
	broken = answer{status: http.StatusInternalServerError, header: http.Header{"Retry-After-Ms": {"1"}}}
	moved  = answer{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {"/elsewhere"}}}
	// refused is what most providers answer to a call above their limit.
	refused = answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"7"}}}
)

const (
	calls = 6
	rate  = 20
	burst = 2
)

// waits plays calls, one after the other, and returns the least time that they may take and the time that they took, with a millisecond for
// the rounding of clocks.
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

// pays plays a call that meets trouble and returns the requests that reached the provider, and the tokens that were paid.
func (s subject) pays() (requests, tokens int64, err error) {
	p := newProvider(s.trouble)
	defer p.close()
	const all = 100
	f := newFleet(limiter.Limit{Tokens: 1, Per: time.Hour, Burst: all})
	defer f.close()
	err = s.make(f.client(), p.url)(context.Background())
	left, failed := f.replicas[0].Decide(context.Background(), route, 1)
	return p.requests.Load(), all - 1 - left.Remaining, errors.Join(err, failed)
}

// tells plays a call that is refused by the provider and returns how long another replica is asked to wait then. The call is ended when its
// client has the refusal, because some clients would wait and try again.
func (s subject) tells() (time.Duration, error) {
	p := newProvider([]answer{s.refusal, s.refusal, s.refusal})
	defer p.close()
	f := newFleet(limiter.PerSecond(100, 100))
	defer f.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hc := f.client()
	hc.Transport = &listener{next: hc.Transport, status: s.refusal.status, heard: cancel}
	if err := s.make(hc, p.url)(ctx); err == nil {
		return 0, errors.New("a refused call has succeeded")
	}
	d, err := f.replicas[1].Decide(context.Background(), route, 1)
	return d.RetryAfter.Round(time.Second), err
}

// listener is a RoundTripper that says when an answer has come.
type listener struct {
	next   http.RoundTripper
	status int
	heard  func()
	once   atomic.Bool
}

func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(req)
	if err == nil && res.StatusCode == l.status && l.once.CompareAndSwap(false, true) {
		l.heard()
	}
	return res, err
}

// show plays a client for its example.
func (s subject) show() {
	least, took, err := s.waits()
	say(err, "calls wait their turn: %t", took >= least)
	requests, tokens, err := s.pays()
	say(err, "a call in trouble: %d requests, %d tokens", requests, tokens)
	after, err := s.tells()
	say(err, "a replica is refused, another waits for %v", after)
}

func say(err error, format string, args ...any) {
	if err != nil {
		format, args = "%v", []any{err}
	}
	fmt.Printf(format+"\n", args...)
}

// TestEachClient plays all clients.
func TestEachClient(t *testing.T) {
	for name, s := range map[string]subject{
		"net/http": netHTTP, "anthropic-sdk-go": claude, "resty": restyClient, "go-retryablehttp": retryable, "go-github": gitHub, "oauth2": oauth,
	} {
		t.Run(name, func(t *testing.T) {
			least, took, err := s.waits()
			if took < least || least < (calls-burst)*time.Second/rate || err != nil {
				t.Errorf("%d calls took %v, want %v or more: %v", calls, took, least, err)
			}
			requests, tokens, err := s.pays()
			if requests != s.requests || tokens != requests || err != nil {
				t.Errorf("%d requests, %d tokens, want %d: %v", requests, tokens, s.requests, err)
			}
			after, err := s.tells()
			if after != 7*time.Second || err != nil {
				t.Errorf("another replica waits for %v: %v", after, err)
			}
			t.Logf("%-17s %d calls in %v of at least %v; in trouble %d requests, %d tokens; refused: another replica waits for %v",
				name, calls, took.Round(time.Millisecond), least, requests, tokens, after)
		})
	}
}
