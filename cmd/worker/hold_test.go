package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/fleet"
)

// TestHoldKeepsAFleetBusy checks that --hold prints the command that inspects the fleet, and keeps the fleet busy until an interrupt.
func TestHoldKeepsAFleetBusy(t *testing.T) {
	t.Setenv("REDIS_URL", "")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		c := &demoCmd{Replicas: 2, Tracks: 2, Hold: true, sceneFlags: sceneFlags{Scene: sceneBudget}, budgetFlags: budgetFlags{Namespace: "weir", Slots: 10, Rate: rate{200, time.Second}, Burst: 20}}
		ended <- c.stayBusy(ctx, cli.Streams{Out: in, Err: io.Discard})
		_ = in.Close()
	}()
	text := make([]byte, 4096)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err, <-ended)
	}
	url := regexp.MustCompile(`REDIS_URL=(redis://\S+) go run ./cmd/inspect serve`).FindSubmatch(text[:n])
	if url == nil || !bytes.Contains(text[:n], []byte("2 replicas are busy")) {
		t.Fatalf("%s", text[:n])
	}
	options, err := redis.ParseURL(string(url[1]))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	again, limit := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for done := int64(0); done < 30; { // more tasks than one analysis of each replica has
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%d tasks are done after a minute", done)
		}
		f, err := fleet.Read(t.Context(), rdb, "weir")
		if err != nil {
			t.Fatal(err)
		}
		done = 0
		for _, v := range f.Replicas {
			if v.Tasks != nil {
				done += v.Tasks.Done
			}
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
