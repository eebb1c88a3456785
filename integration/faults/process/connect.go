package process

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Connect returns a client for the kind of Redis in the URL: one server, a cluster, or Sentinels. The timeouts are the same for every limiter.
// Connect disables the log of go-redis, because its errors say the same. It returns an error if the URL is wrong.
func Connect(s Settings) (redis.UniversalClient, error) {
	redis.SetLogger(noLog{})
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	kind, where, ok := strings.Cut(s.Redis, "://")
	where, master, _ := strings.Cut(where, "/")
	addrs := strings.Split(where, ",")
	switch {
	case ok && kind == "cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: addrs, ContextTimeoutEnabled: true, DialTimeout: 2 * time.Second, ReadTimeout: s.ReadTimeout, WriteTimeout: time.Second,
			DialerRetries: 1, PoolSize: s.Pool, MaintNotificationsConfig: quiet,
		}), nil
	case ok && kind == "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			SentinelAddrs: addrs, MasterName: master, ContextTimeoutEnabled: true, DialTimeout: 2 * time.Second, ReadTimeout: s.ReadTimeout,
			WriteTimeout: time.Second, DialerRetries: 1, PoolSize: s.Pool,
		}), nil
	}
	opts, err := redis.ParseURL(s.Redis)
	if err != nil {
		return nil, fmt.Errorf("-redis: %w", err)
	}
	opts.ContextTimeoutEnabled, opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = true, 2*time.Second, s.ReadTimeout, time.Second
	opts.DialerRetries, opts.MaxRetries, opts.PoolSize, opts.MaintNotificationsConfig = 1, s.MaxRetries, s.Pool, quiet
	return redis.NewClient(opts), nil
}

// noLog is a logger of go-redis that drops every message.
type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}
