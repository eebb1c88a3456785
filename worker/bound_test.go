package worker_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// stubborn is a provider whose calls do not end with their context, only with the test.
type stubborn chan struct{}

func (s stubborn) RoundTrip(*http.Request) (*http.Response, error) {
	<-s
	return nil, net.ErrClosed
}

// lost is a connection that can be made to lose all that is written to it. Then no answer comes.
type lost struct {
	net.Conn

	wanted *atomic.Bool
}

func (c lost) Write(p []byte) (int, error) {
	if c.wanted.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// still is a connection that can be made to read nothing until the test is over.
type still struct {
	net.Conn

	wanted *atomic.Bool
	over   <-chan struct{}
}

func (c still) Read(p []byte) (int, error) {
	if c.wanted.Load() {
		<-c.over
	}
	return c.Conn.Read(p)
}

// TestEndIsBounded: a replica ends within its grace, its drain and AfterDrain, in virtual time, even if a provider, a client or Redis
// does not answer.
func TestEndIsBounded(t *testing.T) {
	for _, row := range []struct {
		name                  string
		stubborn, still, away bool // the provider, the client and Redis
	}{
		{"calls end with their context", false, false, false},
		{"calls do not return", true, false, false},
		{"the client reads nothing more", false, true, false},
		{"Redis does not answer", false, false, true},
		{"all three", true, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const grace, drain = 7 * time.Second, 11 * time.Second
				m, _ := limitertest.Redis(t)
				var away, quiet atomic.Bool
				opts := limitertest.Options(m)
				opts.ContextTimeoutEnabled, opts.MaxRetries = true, -1
				opts.Dialer = func(context.Context, string, string) (net.Conn, error) {
					c, err := m.Dial()
					return lost{c, &away}, err
				}
				rdb := redis.NewClient(opts)
				defer rdb.Close()
				over := make(stubborn)
				var base http.RoundTripper = silent{}
				if row.stubborn {
					base = over
				}
				listener := newPipes()
				w, err := worker.New(worker.Config{
					Redis: rdb, Grace: grace, Drain: drain, Deadline: time.Hour,
					Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t", Base: base, Timeout: time.Hour},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
				ended := make(chan error, 1)
				go func() { ended <- w.Serve(ctx, listener, w.Handler()) }()
				time.Sleep(time.Second)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "text/csv")
				client := listener.client()
				transport := client.Transport.(*http.Transport) //nolint:forcetypeassert // pipes makes its clients so
				dial := transport.DialContext
				transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := dial(ctx, network, address)
					return still{c, &quiet, over}, err
				}
				res, err := client.Do(req)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Fatalf("POST: %v, %v", res, err)
				}
				read := make(chan struct{})
				go func() {
					defer close(read)
					_, _ = io.Copy(io.Discard, res.Body)
				}()
				time.Sleep(time.Second)
				away.Store(row.away)
				quiet.Store(row.still)
				began := time.Now()
				stop()
				err = <-ended
				took := time.Since(began)
				t.Logf("%-30s %v; at most %v", row.name, took, grace+drain+worker.AfterDrain)
				if took < grace || took > grace+drain+worker.AfterDrain {
					t.Errorf("the replica ended after %v with error %v", took, err)
				}
				close(over)
				<-read
				_ = res.Body.Close()
			})
		})
	}
}
