package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is where a Redis is, and makes clients of it: of one server, of a cluster, or of the master that Sentinels name. [ParseRedis] makes
// one. Its fields are set before the first client is made; then it is safe for concurrent use.
type Redis struct {
	// Timeout is how long dialling and reading may take, each. 0 means 2 s for dialling and 1 s for reading.
	Timeout time.Duration
	// SendOnce keeps a client of one server from sending a command again. Clients of a cluster and of Sentinels find another server by
	// sending again, so they do all the same.
	SendOnce bool
	// Unreadable is called when a file of [RedisFlags] can no longer be used, so that no connection can be opened, once until it can. nil means
	// nobody.
	Unreadable func(error)
	// Wrap is given each new connection and returns what the client uses instead. nil means the connection itself.
	Wrap func(net.Conn) net.Conn

	passwordFile bool        // the password comes from a file
	unreadable   atomic.Bool // and [Redis.Unreadable] knows

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

// login is the user and the password in the URL.
func (r *Redis) login() (user, password string) {
	switch {
	case r.cluster != nil:
		return r.cluster.Username, r.cluster.Password
	case r.sentinel != nil:
		return r.sentinel.Username, r.sentinel.Password
	}
	return r.one.Username, r.one.Password
}

// used notes whether a file could be used.
func (r *Redis) used(err error) {
	if err == nil {
		r.unreadable.Store(false)
	} else if !r.unreadable.Swap(true) && r.Unreadable != nil {
		r.Unreadable(err)
	}
}

// authenticate has each new connection to a server log in with the password of a file. Sentinels are asked without a login.
func (r *Redis) authenticate(as func(ctx context.Context) (user, password string, err error)) {
	r.passwordFile = true
	switch {
	case r.cluster != nil:
		r.cluster.CredentialsProviderContext = as
	case r.sentinel != nil:
		r.sentinel.CredentialsProviderContext = as
	default:
		r.one.CredentialsProviderContext = as
	}
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
