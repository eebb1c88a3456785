package page

import (
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// TestActions checks that an action needs a server that allows changes, the token, the origin of this page, and the typed name.
func TestActions(t *testing.T) {
	const token = "0123456789abcdef"
	m := fleet(t, 1)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	s := run(t, m, Config{Token: token, By: "kim@bastion"})
	bearer, kind := "Authorization: Bearer "+token, "Content-Type: application/json"
	post := func(body string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+actionsPath, strings.NewReader(body))
		must(t, err)
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			req.Header.Add(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	paused := func() map[string]bool {
		snapshot, err := limiter.ReadSnapshot(t.Context(), rdb, "weir")
		must(t, err)
		out := map[string]bool{}
		for _, b := range snapshot.Buckets {
			out[b.Bucket] = b.PausedFor > 0
		}
		return out
	}
	const pause = `{"do":"pause","name":"a-fine-one","typed":"a-fine-one"}`
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"no token":          {pause, []string{kind}, http.StatusUnauthorized},
		"another token":     {pause, []string{kind, "Authorization: Bearer fedcba9876543210"}, http.StatusUnauthorized},
		"of another site":   {pause, []string{kind, bearer, "Sec-Fetch-Site: cross-site"}, http.StatusForbidden},
		"another origin":    {pause, []string{kind, bearer, "Origin: https://evil.example"}, http.StatusForbidden},
		"a form":            {pause, []string{"Content-Type: text/plain", bearer}, http.StatusUnsupportedMediaType},
		"another typed":     {`{"do":"pause","name":"a-fine-one","typed":"y"}`, []string{kind, bearer}, http.StatusBadRequest},
		"nothing typed":     {`{"do":"pause","name":"a-fine-one"}`, []string{kind, bearer}, http.StatusBadRequest},
		"no such deed":      {`{"do":"explode","name":"a-fine-one","typed":"a-fine-one"}`, []string{kind, bearer}, http.StatusBadRequest},
		"unknown field":     {`{"do":"pause","name":"a-fine-one","typed":"a-fine-one","for":"ever"}`, []string{kind, bearer}, http.StatusBadRequest},
		"no JSON":           {`do=pause`, []string{kind, bearer}, http.StatusBadRequest},
		"and more":          {pause + pause, []string{kind, bearer}, http.StatusBadRequest},
		"too long":          {`{"do":"pause","name":"` + strings.Repeat("a", 5000), []string{kind, bearer}, http.StatusBadRequest},
		"no such bucket":    {`{"do":"pause","name":"b","typed":"b"}`, []string{kind, bearer}, http.StatusConflict},
		"a replica that is": {`{"do":"forget","name":"replica-000","typed":"replica-000"}`, []string{kind, bearer}, http.StatusConflict},
	} {
		if res := post(c.body, c.headers...); res.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", name, res.Status, c.status)
		}
	}
	if paused()["a-fine-one"] {
		t.Fatal("a refused action has paused a bucket")
	}
	for _, c := range []struct{ do, name string }{{"pause", "a-fine-one"}, {"resume", "paused"}, {"drain", "replica-000"}} {
		if res := post(`{"do":"`+c.do+`","name":"`+c.name+`","typed":"`+c.name+`"}`, bearer, kind, "Sec-Fetch-Site: same-origin", "Origin: "+s.url); res.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %s", c.do, c.name, res.Status)
		}
	}
	if p := paused(); !p["a-fine-one"] || p["paused"] {
		t.Errorf("%v", p)
	}
	events, err := limiter.ReadEvents(t.Context(), rdb, "weir", 10)
	must(t, err)
	if len(events) != 3 || events[0].Of != "replica replica-000" || events[0].By != "kim@bastion, by the page from 127.0.0.1" {
		t.Errorf("recorded: %+v", events)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		if res := s.do(t, method, actionsPath, bearer); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, res.Status)
		}
	}

	shows := run(t, m, Config{Token: token})
	if res := shows.do(t, http.MethodPost, actionsPath, bearer, kind); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a server that only shows: %s", res.Status)
	}
	at, err := cli.ParseRedis("redis://" + m.Addr())
	must(t, err)
	src := watch.Open(at, "weir", 1)
	defer src.Close()
	if _, err := New(Config{Source: src, By: "kim"}); err == nil {
		t.Error("a server without a token may change the fleet")
	}
}
