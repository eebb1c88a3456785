package clients

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

const route = "api"

// fleet is two replicas that share a budget through a Redis in this process.
type fleet struct {
	server   *miniredis.Miniredis
	rdb      *redis.Client
	replicas [2]*limiter.Limiter
	base     *http.Transport
}

// newFleet returns a fleet with one limit. It panics on an error, because an example has no test to fail.
func newFleet(limit limiter.Limit) *fleet {
	f := &fleet{server: miniredis.NewMiniRedis(), base: &http.Transport{}}
	must(f.server.Start())
	f.server.ClockTTL(true)
	f.rdb = redis.NewClient(&redis.Options{
		Addr:                     f.server.Addr(),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	for i := range f.replicas {
		var err error
		f.replicas[i], err = limiter.New(context.Background(), f.rdb, limiter.SingleBucket(route, limit))
		must(err)
	}
	return f
}

// client returns an http.Client of the first replica, as a program would make it.
func (f *fleet) client() *http.Client {
	rt, err := transport.Open(f.base, f.replicas[0], transport.Routes{Hosts: map[string]string{"127.0.0.1": route}})
	must(err)
	return &http.Client{Transport: rt}
}

func (f *fleet) close() {
	f.base.CloseIdleConnections()
	for _, l := range f.replicas {
		must(l.Close(context.Background()))
	}
	_ = f.rdb.Close()
	f.server.Close()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// provider answers like the APIs of the clients. Its first answers may be others.
type provider struct {
	url      string
	requests atomic.Int64
	trouble  []answer // the answers to the first requests
	close    func()
}

func newProvider(trouble []answer) *provider {
	p := &provider{trouble: trouble}
	srv := httptest.NewServer(p)
	p.url, p.close = srv.URL, srv.Close
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(p.requests.Add(1)) - 1
	w.Header().Set("Content-Type", "application/json")
	if n < len(p.trouble) {
		a := p.trouble[n]
		maps.Copy(w.Header(), a.header)
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
		return
	}
	body := "{}"
	switch {
	case r.URL.Path == "/v1/messages":
		body = `{"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hello."}],
			"model": "claude", "stop_reason": "end_turn", "usage": {"input_tokens": 9, "output_tokens": 3}}`
	case strings.HasPrefix(r.URL.Path, "/repos/") || r.URL.Path == "/elsewhere":
		body = `{"id": 1, "full_name": "octocat/hello"}`
	case r.URL.Path == "/token":
		body = `{"access_token": "fresh", "token_type": "Bearer", "expires_in": 3600}`
	}
	_, _ = w.Write([]byte(body))
}
