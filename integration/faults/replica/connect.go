package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// connect is a client of the kind of Redis that the URL names.
func connect(s settings) (redis.UniversalClient, error) {
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	kind, where, ok := strings.Cut(s.redis, "://")
	where, master, _ := strings.Cut(where, "/")
	addrs := strings.Split(where, ",")
	switch {
	case ok && kind == "cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: addrs, ContextTimeoutEnabled: true, DialTimeout: 2 * time.Second, ReadTimeout: s.readTimeout, WriteTimeout: time.Second,
			DialerRetries: 1, PoolSize: s.pool, MaintNotificationsConfig: quiet,
		}), nil
	case ok && kind == "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			SentinelAddrs: addrs, MasterName: master, ContextTimeoutEnabled: true, DialTimeout: 2 * time.Second, ReadTimeout: s.readTimeout,
			WriteTimeout: time.Second, DialerRetries: 1, PoolSize: s.pool,
		}), nil
	}
	opts, err := redis.ParseURL(s.redis)
	if err != nil {
		return nil, fmt.Errorf("-redis: %w", err)
	}
	opts.ContextTimeoutEnabled, opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = true, 2*time.Second, s.readTimeout, time.Second
	opts.DialerRetries, opts.MaxRetries, opts.PoolSize, opts.MaintNotificationsConfig = 1, -1, s.pool, quiet
	return redis.NewClient(opts), nil
}
