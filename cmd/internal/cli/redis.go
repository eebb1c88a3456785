package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-go/weir/lua"
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

// Unanswered is the error of a call to Redis that failed: where Redis is, why, and what to do. An error reply is an answer, so
// its text stands there as Redis wrote it. Records of another version are an answer, too.
func Unanswered(status int, addr string, err error) error {
	if other, ok := errors.AsType[*lua.VersionError](err); ok {
		return &Error{Status: status, Err: fmt.Errorf("redis at %s: %s", addr, strings.TrimPrefix(other.Error(), "lua: "))}
	}
	reply, refused := errors.AsType[redis.Error](err)
	if !refused && aboutTLS(err) {
		return &Error{Status: status, Err: fmt.Errorf("redis at %s and this program do not agree on TLS: %w; rediss:// in REDIS_URL asks for it, redis:// does without", addr, last(err))}
	}
	if !refused {
		return &Error{Status: status, Err: fmt.Errorf("redis at %s does not answer: %w; start it, or set REDIS_URL to the Redis of the fleet", addr, last(err))}
	}
	return &Error{Status: status, Err: fmt.Errorf("redis at %s refuses: %w%s", addr, reply, remedy(reply.Error()))}
}

// aboutTLS reports whether an error is about a certificate, or about a server that speaks no TLS.
func aboutTLS(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	return untrusted || plain || alert || strings.Contains(err.Error(), "x509: ") || strings.Contains(err.Error(), "tls: ")
}

// remedy is what to do about a refusal, where that is known.
func remedy(reply string) string {
	code, _, _ := strings.Cut(reply, " ")
	switch {
	case code == "WRONGPASS" || code == "NOAUTH" || strings.Contains(reply, "unauthenticated"):
		return "; set the user and the password in REDIS_URL"
	case code == "NOPERM" || strings.Contains(reply, "user executing the script") || strings.Contains(reply, "ACL failure in script"):
		return "; the README lists what the user must be allowed"
	}
	return ""
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
