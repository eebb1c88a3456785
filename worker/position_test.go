package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/sse"
)

// TestPositionIsReported to the readers of an analysis: while its calls wait, with the reason, and once when they wait no longer.
func TestPositionIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		listener := newPipes()
		w, err := worker.New(worker.Config{
			Redis: rdb, Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t", Base: silent{}, Timeout: time.Hour},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- w.Serve(ctx, listener, w.Handler()) }()
		time.Sleep(time.Minute)
		o, err := limiter.NewOperator(rdb, "weir", "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Pause(t.Context(), "global", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/csv")
		begun := time.Now()
		res, err := listener.client().Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("POST: %v, %v", res, err)
		}
		defer res.Body.Close()
		reports := 0
		for e, err := range sse.Read(res.Body) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Name != "position" {
				continue
			}
			var p worker.Position
			if err := json.Unmarshal(e.Data, &p); err != nil {
				t.Fatal(err)
			}
			if len(p.Waits) == 0 {
				if after := time.Since(begun); after < 29*time.Second || after > 40*time.Second {
					t.Errorf("an event without waits came after %v, want it after about 30 s", after)
				}
				break
			}
			reports++
			for _, wait := range p.Waits {
				left := 30*time.Second - time.Since(begun)
				if wait.WaitMS == nil || (time.Duration(*wait.WaitMS)*time.Millisecond-left).Abs() > time.Second || wait.Bucket != "global" || len(wait.Reasons) != 1 || wait.Reasons[0] != "paused" {
					t.Errorf("%v before the bucket opens: %s, want that wait, for a paused bucket", left, e.Data)
				}
			}
		}
		if reports < 8 || reports > 11 {
			t.Errorf("%d events in 30 s, want 8 to 11", reports)
		}
		_ = res.Body.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
