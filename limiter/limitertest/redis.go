package limitertest

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis starts an in-process Redis for one test and returns it with a client. It opens no socket, so that inside a
// testing/synctest bubble it runs on the bubble's clock. Both end with the test.
//
// It is not a Redis: it prints numbers and expires keys differently. Run a test that passes on it on a real Redis, too.
func Redis(tb testing.TB) (*miniredis.Miniredis, *redis.Client) {
	tb.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	rdb := redis.NewClient(Options(m))
	tb.Cleanup(func() {
		_ = rdb.Close() // only a second Close fails, and a test may have made the first
		m.Close()
	})
	return m, rdb
}

// Options returns the options of a further client of a Redis made by [Redis].
func Options(m *miniredis.Miniredis) *redis.Options {
	return &redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		// A goroutine that waits for a connection uses a timer that all bubbles share, and panics.
		PoolSize: 1000,
		// Otherwise the client looks up names in a goroutine that outlives the bubble.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
