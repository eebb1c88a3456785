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

// Redis is the address of a Redis, from which [Redis.Client] makes clients: for one server, for a cluster, or for the master that Sentinels name.
// [ParseRedis] makes a Redis. Set its fields before the first client is made. After that, a Redis is safe for concurrent use.
type Redis struct {
	// Timeout bounds dialling, and each read. Zero is 2 s for dialling and 1 s for a read.
	Timeout time.Duration
	// SendOnce stops a client of one server from sending a command again. Clients of a cluster and of Sentinels ignore it, because they have to
	// send a command again to find another server.
	SendOnce bool
	// Unreadable is called when a file of [RedisFlags] can no longer be used, so that no connection can be opened. It is called once, and again
	// only after the file could be used in between. It may be nil.
	Unreadable func(error)
	// Wrap takes each new connection and returns the connection that the client uses. Nil returns the same connection.
	Wrap func(net.Conn) net.Conn

	passwordFile bool        // the password comes from a file
	unreadable   atomic.Bool // [Redis.Unreadable] was called, and the file could not be used since

	// Exactly one of these is set.
	one      *redis.Options
	cluster  *redis.ClusterOptions
	sentinel *redis.FailoverOptions
}

// Addr returns the address for messages, without user and password.
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

// login returns the user and the password of the URL.
func (r *Redis) login() (user, password string) {
	switch {
	case r.cluster != nil:
		return r.cluster.Username, r.cluster.Password
	case r.sentinel != nil:
		return r.sentinel.Username, r.sentinel.Password
	}
	return r.one.Username, r.one.Password
}

// used records whether a file could be used (err is nil) and calls [Redis.Unreadable] for the first failure of several.
func (r *Redis) used(err error) {
	if err == nil {
		r.unreadable.Store(false)
	} else if !r.unreadable.Swap(true) && r.Unreadable != nil {
		r.Unreadable(err)
	}
}

// authenticate makes each new connection to a server log in with the result of as. Connections to Sentinels do not log in.
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

// Client returns a new client with its own connections. Its options suit a limiter: deadlines hold during a read, and a host that is gone delays
// no command by more than the timeouts. The caller closes the client.
func (r *Redis) Client() redis.UniversalClient {
	dial, read, write := cmp.Or(r.Timeout, 2*time.Second), cmp.Or(r.Timeout, time.Second), time.Second
	// The client would ask for maintenance notifications. Only Redis Enterprise has them; other servers answer with errors.
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

// dialer returns the function that opens connections, or nil for the dialer of the library.
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

// QuietRedis switches off the log of the client library. The library writes errors to stderr that it returns as well.
func QuietRedis() { redis.SetLogger(silence{}) }

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
