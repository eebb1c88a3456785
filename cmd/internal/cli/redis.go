package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/weir-go/weir/lua"
)

// Redis is where a Redis is, and makes clients of it: of one server, of a cluster, or of the master that Sentinels name. [ParseRedis] makes
// one. Its fields are set before the first client is made; then it is safe for concurrent use.
type Redis struct {
	// Timeout is how long dialling and reading may take, each. 0 means 2 s for dialling and 1 s for reading.
	Timeout time.Duration
	// SendOnce keeps a client of one server from sending a command again. Clients of a cluster and of Sentinels find another server by
	// sending again, so they do all the same.
	SendOnce bool
	// Wrap is given each new connection and returns what the client uses instead. nil means the connection itself.
	Wrap func(net.Conn) net.Conn

	// One of these is set.
	one      *redis.Options
	cluster  *redis.ClusterOptions
	sentinel *redis.FailoverOptions
}

// Addr is where Redis is, for a person to read.
func (r *Redis) Addr() string {
	switch {
	case r.cluster != nil:
		return strings.Join(r.cluster.Addrs, ",")
	case r.sentinel != nil:
		return strings.Join(r.sentinel.SentinelAddrs, ",") + "/" + r.sentinel.MasterName
	}
	return r.one.Addr
}

// TLS reports whether connections are encrypted.
func (r *Redis) TLS() bool { return r.tls() != nil }

func (r *Redis) tls() *tls.Config {
	switch {
	case r.cluster != nil:
		return r.cluster.TLSConfig
	case r.sentinel != nil:
		return r.sentinel.TLSConfig
	}
	return r.one.TLSConfig
}

// Client makes a client with connections of its own. Its options suit a limiter: deadlines hold while reading, and nothing waits for seconds
// on a host that is gone. The caller closes it.
func (r *Redis) Client() redis.UniversalClient {
	dial, read, write := cmp.Or(r.Timeout, 2*time.Second), cmp.Or(r.Timeout, time.Second), time.Second
	// Asks for what only Redis Enterprise has, and others answer with errors.
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch {
	case r.cluster != nil:
		o := *r.cluster
		o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.DialerRetries = true, dial, read, write, 1
		o.MaintNotificationsConfig, o.Dialer = quiet, r.dialer(dial)
		return redis.NewClusterClient(&o)
	case r.sentinel != nil:
		o := *r.sentinel
		o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.DialerRetries = true, dial, read, write, 1
		o.Dialer = r.dialer(dial)
		return redis.NewFailoverClient(&o)
	}
	o := *r.one
	o.ContextTimeoutEnabled, o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.DialerRetries = true, dial, read, write, 1
	o.MaintNotificationsConfig, o.Dialer = quiet, r.dialer(dial)
	if r.SendOnce {
		o.MaxRetries = -1
	}
	return redis.NewClient(&o)
}

// dialer is how connections are opened, nil for the library's own way.
func (r *Redis) dialer(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if r.Wrap == nil {
		return nil
	}
	dial := redis.NewDialer(&redis.Options{DialTimeout: timeout, TLSConfig: r.tls()})
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return r.Wrap(c), nil
	}
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
		return "; docs/operations.md lists what the user must be allowed"
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
