package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/providers"
)

// TestDrainedByAnOperator: a replica ends in order when an operator asks for it, without a signal.
func TestDrainedByAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		w, err := worker.New(worker.Config{
			Redis: rdb, Replica: "crawler-1", Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t", Base: silent{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := newPipes()
		ended := make(chan error)
		go func() { ended <- w.Serve(context.WithoutCancel(t.Context()), p, w.Handler()) }()
		time.Sleep(30 * time.Second)
		o, err := limiter.NewOperator(rdb, "weir", "test")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := o.Drain(t.Context(), "crawler-1"); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("the replica ended after %v, want 15 s at most", took)
		}
		if left := rdb.Keys(t.Context(), "*replica*").Val(); len(left) != 0 {
			t.Errorf("keys of the replica are left: %v", left)
		}
	})
}
