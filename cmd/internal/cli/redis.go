package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// errRedisURL says nothing of what was given: it may hold a password, and so may the library's own error text.
var errRedisURL = errors.New("REDIS_URL cannot be parsed: want redis://[user:password@]host:port[/db], rediss:// for TLS, or unix:///path")

// ParseRedis reads a Redis URL into options that suit a limiter: deadlines hold while reading, and nothing waits for
// seconds on a host that is gone.
func ParseRedis(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, &Error{Status: Usage, Err: errRedisURL}
	}
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = 2*time.Second, time.Second, time.Second
	o.DialerRetries = 1
	// Asks for what only Redis Enterprise has, and others answer with errors.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// QuietRedis keeps the client library from writing to stderr what every error it returns says anyway.
func QuietRedis() { redis.SetLogger(silence{}) }

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Unanswered is the error of a Redis that was asked in vain: where it is, why, and what to do.
func Unanswered(status int, addr string, err error) error {
	return &Error{Status: status, Err: fmt.Errorf("redis at %s does not answer: %w; start it, or set REDIS_URL to the Redis of the fleet", addr, last(err))}
}

// last is the innermost cause of an error, without what the layers in between say about it.
func last(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // walks the tree itself
		case interface{ Unwrap() error }:
			if e.Unwrap() == nil {
				return err
			}
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			err = all[len(all)-1]
		default:
			return err
		}
	}
}
