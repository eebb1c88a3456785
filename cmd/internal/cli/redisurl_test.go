package cli_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// TestRedisURLs checks the kind of client that each form of REDIS_URL makes, its login, and an address without the password.
func TestRedisURLs(t *testing.T) {
	for _, tc := range []struct{ url, kind, addr, user, password, tls string }{
		{"redis://127.0.0.1:6379", "one", "127.0.0.1:6379", "", "", ""},
		{"redis://u:hunter2@a:1/3?pool_size=7", "one", "a:1", "u", "hunter2", ""},
		{"rediss://:hunter2@a:1", "one", "a:1", "", "hunter2", "TLS"},
		{"unix://u:hunter2@/run/redis.sock?db=2", "one", "/run/redis.sock", "u", "hunter2", ""},
		{"redis+cluster://a:1", "cluster", "a:1", "", "", ""},
		{"redis+cluster://u:hunter2@a:1,b:2,[::1]:3/?pool_size=7", "cluster", "a:1,b:2,[::1]:3", "u", "hunter2", ""},
		{"redis+cluster://u:hunter2%2F@a:1", "cluster", "a:1", "u", "hunter2/", ""},
		{"rediss+cluster://:hunter2@a:1,b:2", "cluster", "a:1,b:2", "", "hunter2", "TLS"},
		{"redis+sentinel://a:1,b:2/main", "sentinel", "a:1,b:2/main", "", "", ""},
		{"redis+sentinel://u:hunter2@a:1,b:2/main/3", "sentinel", "a:1,b:2/main", "u", "hunter2", ""},
		{"rediss+sentinel://:hunter2@a:1/main?conn_max_lifetime=1h", "sentinel", "a:1/main", "", "hunter2", "TLS"},
	} {
		r, err := cli.ParseRedis(tc.url)
		if err != nil {
			t.Errorf("%s: %v", tc.url, err)
			continue
		}
		r.SendOnce = true
		rdb := r.Client()
		_ = rdb.Close()
		kind, user, password, deadlines := "one", "", "", false
		switch c := rdb.(type) {
		case *redis.ClusterClient:
			o := c.Options()
			kind, user, password, deadlines = "cluster", o.Username, o.Password, o.ContextTimeoutEnabled && o.ReadTimeout > 0 && o.DialerRetries == 1
		case *redis.Client:
			o := c.Options()
			user, password, deadlines = o.Username, o.Password, o.ContextTimeoutEnabled && o.ReadTimeout > 0 && o.DialerRetries == 1
			if o.Addr == "FailoverClient" {
				kind = "sentinel"
			}
			if again := o.MaxRetries > 0; again != (kind == "sentinel") {
				t.Errorf("%s: the client has %d retries", tc.url, o.MaxRetries)
			}
		}
		t.Logf("%-58s %-8s %s", tc.url, kind, r.Addr())
		if kind != tc.kind || r.Addr() != tc.addr || user != tc.user || password != tc.password || r.TLS() != (tc.tls != "") || !deadlines {
			t.Errorf("%s: %s at %s, TLS %v, as %q %q, deadlines %v", tc.url, kind, r.Addr(), r.TLS(), user, password, deadlines)
		}
	}
}

// TestWrongRedisURLs checks the errors for a wrong REDIS_URL: one line that names the variable and shows no part of its value.
func TestWrongRedisURLs(t *testing.T) {
	for _, tc := range []struct{ url, says string }{
		{"http://:hunter2@a:1", "cannot be parsed: want redis://"},
		{"hunter2", "cannot be parsed: want redis://"},
		{"redis://:hunter2@a:b", "cannot be parsed: want redis://"},
		{"redis://:hunter2@a:1/x", "cannot be parsed: want redis://"},
		{"redis://u:12/hunter2@a:1", "cannot be parsed: want redis://"},
		{"redis://a:1?hunter2=1", "cannot be parsed: want redis://"},
		{"redis+other://:hunter2@a:1", "cannot be parsed: want redis://"},
		{"unix+cluster://:hunter2@a:1", "cannot be parsed: want redis://"},
		{"rediss://:hunter2@a:1?skip_verify=true", "has skip_verify, which is refused"},
		{"rediss+cluster://:hunter2@a:1?skip_verify=true", "has skip_verify, which is refused"},
		{"rediss://:hunter2@a:1?skip%5Fverify=true", "has skip_verify, which is refused"},
		{"redis+cluster://", "an address is not host:port: want redis+cluster://"},
		{"redis+cluster://:hunter2@", "an address is not host:port: want redis+cluster://"},
		{"redis+cluster://:hunter2@a", "an address is not host:port: want redis+cluster://"},
		{"redis+cluster://:hunter2@a:1,", "an address is not host:port: want redis+cluster://"},
		{"redis+cluster://:hunter2@a:1,b:99999", "an address is not host:port: want redis+cluster://"},
		{"redis+cluster://:hunter2@a:1/3", "a cluster has no databases"},
		{"redis+cluster://u:12/hunter2@a:1", "needs %2F"},
		{"redis+cluster://u:12?hunter2@a:1", "needs %2F, %3F"},
		{"redis+cluster://u:12#hunter2@a:1", "needs %2F, %3F, %23"},
		{"redis+cluster://u:%zzhunter2@a:1", "it cannot be parsed"},
		{"redis+cluster://a:1?read_only=true", "parameters may be client_name"},
		{"redis+cluster://a:1?hunter2=1", "parameters may be client_name"},
		{"redis+cluster://a:1?addr=hunter2:1", "parameters may be client_name"},
		{"redis+cluster://a:1?pool_size=hunter2", "a parameter has a wrong value"},
		{"redis+sentinel://:hunter2@a:1", "the name of the master is missing: want redis+sentinel://"},
		{"redis+sentinel://:hunter2@a/main", "an address is not host:port: want redis+sentinel://"},
		{"redis+sentinel://:hunter2@a:1/main/x", "the database is not a number"},
		{"redis+sentinel://:hunter2@a:1/main/-1", "the database is not a number"},
		{"redis+sentinel://:hunter2@a:1/main/1/2", "more than a name and a database"},
		{"redis+sentinel://u:12/hunter2@a:1/main", "needs %2F"},
		{"redis+sentinel://a:1/main?route_randomly=true", "parameters may be client_name"},
		{"redis+sentinel://a:1/main?pool_size=hunter2", "a parameter has a wrong value"},
	} {
		_, err := cli.ParseRedis(tc.url)
		e, ok := errors.AsType[*cli.Error](err)
		if !ok || e.Status != cli.Usage {
			t.Errorf("%s: %v, want an error of usage", tc.url, err)
			continue
		}
		text := err.Error()
		t.Logf("%-50s %s", tc.url, text)
		if !strings.HasPrefix(text, "REDIS_URL") || !strings.Contains(text, tc.says) || strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
			t.Errorf("%s: %q, want %q", tc.url, text, tc.says)
		}
	}
}

// TestUnreachableRedis checks that the error for a Redis of each kind that does not answer has its address and not its password.
func TestUnreachableRedis(t *testing.T) {
	cli.QuietRedis()
	for _, url := range []string{
		"redis://u:hunter2@127.0.0.1:1", "redis+cluster://u:hunter2@127.0.0.1:1,127.0.0.1:2", "redis+sentinel://u:hunter2@127.0.0.1:1,127.0.0.1:2/main",
	} {
		r, err := cli.ParseRedis(url)
		if err != nil {
			t.Fatal(err)
		}
		r.SendOnce = true
		rdb := r.Client()
		err = r.Unanswered(cli.Unreachable, rdb.Ping(context.WithoutCancel(t.Context())).Err())
		_ = rdb.Close()
		e, _ := errors.AsType[*cli.Error](err)
		t.Log(err)
		if e.Status != cli.Unreachable || !strings.Contains(err.Error(), "redis at "+r.Addr()+" does not answer: connection refused") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", r.Addr(), err)
		}
	}
}
