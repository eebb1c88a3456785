package worker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/worker/providers"
)

// TestUnreachedRedisIsLoggedLessAndLess: a replica that waits for Redis logs the reason at once and then at growing intervals.
func TestUnreachedRedisIsLoggedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{MaxRetries: -1, DialerRetries: 1, Dialer: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no such host")
		}})
		defer func() {
			_ = rdb.Close()
			time.Sleep(2 * time.Second) // until the goroutine of the pool that dials has ended
		}()
		var log strings.Builder
		w, err := New(Config{
			Redis: rdb, Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "t"},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if w.connect(ctx) {
			t.Fatal("connected without a Redis")
		}
		if lines := strings.Count(log.String(), "\n"); lines != 4 || strings.Count(log.String(), "redis does not answer") != 4 {
			t.Errorf("want a line at once and after 1, 3 and 7 minutes:\n%s", log.String())
		}
	})
}
