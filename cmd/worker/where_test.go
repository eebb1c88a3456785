package main

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// TestOneReplicaIsOne checks singular and plural in the first sentence of a demonstration.
func TestOneReplicaIsOne(t *testing.T) {
	for n, want := range map[int]string{1: "1 replica has a budget", 2: "2 replicas share one budget", 64: "64 replicas share one budget"} {
		if got := sharing(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestWhereToLook checks the command that a demonstration prints to inspect its Redis.
func TestWhereToLook(t *testing.T) {
	at, err := cli.ParseRedis("redis://127.0.0.1:4000")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		server    *server
		namespace string
		want      string
	}{
		{"the default", &server{Redis: at}, "weir", "go run ./cmd/inspect"},
		{"no namespace, which is the default", &server{Redis: at}, "", "go run ./cmd/inspect"},
		{"another", &server{Redis: at}, "mine", "go run ./cmd/inspect --namespace mine"},
		{"an embedded Redis", &server{Redis: at, embedded: &miniredis.Miniredis{}}, "", "REDIS_URL=redis://127.0.0.1:4000 go run ./cmd/inspect"},
		{"another in an embedded Redis", &server{Redis: at, embedded: &miniredis.Miniredis{}}, "mine", "REDIS_URL=redis://127.0.0.1:4000 go run ./cmd/inspect --namespace mine"},
	} {
		_, got := tc.server.where(tc.namespace)
		t.Logf("%-36s %s", tc.name, got)
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
