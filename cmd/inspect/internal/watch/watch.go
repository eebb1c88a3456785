// Package watch reads reports of a fleet from Redis and measures the cost. It writes only in [Source.Act].
package watch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// Source reads one namespace. It is safe for concurrent use.
type Source struct {
	Namespace string
	Timeout   time.Duration // of one report

	at       *cli.Redis
	rdb      redis.UniversalClient
	commands atomic.Int64 // sent
	bytes    atomic.Int64 // received
}

// Open returns a source that reads from a Redis. It sets the timeout of r and counts the bytes of its connections.
func Open(r *cli.Redis, namespace string, timeout time.Duration) *Source {
	s := &Source{Namespace: namespace, Timeout: timeout, at: r}
	r.Timeout, r.SendOnce = timeout, true
	r.Wrap = func(c net.Conn) net.Conn { return &counted{c, &s.bytes} }
	s.rdb = r.Client()
	s.rdb.AddHook(counter{&s.commands})
	return s
}

// Close closes the connections to Redis.
func (s *Source) Close() { _ = s.rdb.Close() }

// Addr returns the address of Redis.
func (s *Source) Addr() string { return s.at.Addr() }

// Read reads a report. An error is one line: the address of Redis, what is wrong, and what to do.
func (s *Source) Read(ctx context.Context) (*report.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	begun, commands, bytes := time.Now(), s.commands.Load(), s.bytes.Load()
	f, err := fleet.Read(ctx, s.rdb, s.Namespace)
	if err != nil {
		return nil, s.failed(err)
	}
	r := report.New(s.Addr(), f)
	r.Cost = report.Cost{
		Commands: int(s.commands.Load() - commands), Bytes: s.bytes.Load() - bytes, MS: float64(time.Since(begun).Microseconds()) / 1000,
	}
	return r, nil
}

// Why reads why a call that passes some buckets, narrowest first, would wait, and the published use of the bucket that sets the time. A single name is
// a route if a live replica has published a route of that name, else a bucket. Errors are those of [Source.Read], or a usage error for an unknown name.
func (s *Source) Why(ctx context.Context, names ...string) (*report.Why, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	f, err := fleet.Read(ctx, s.rdb, s.Namespace)
	if err != nil {
		return nil, s.failed(err)
	}
	if len(names) == 1 {
		if buckets := bucketsOf(f, names[0]); len(buckets) > 0 {
			names = buckets
		}
	}
	p, err := limiter.ReadPosition(ctx, s.rdb, s.Namespace, names...)
	switch {
	case err == nil:
		w := report.NewWhy(s.Namespace, names, p)
		w.Add(report.New(s.Addr(), f))
		return w, nil
	case errors.Is(err, limiter.ErrUnavailable):
		return nil, s.failed(err)
	}
	return nil, &cli.Error{Status: cli.Usage, Err: fmt.Errorf("%s, and no live replica has published a route of that name", plain(err))}
}

// WhyBucket reads why a call that passes only one bucket would wait, even if a route has the same name.
func (s *Source) WhyBucket(ctx context.Context, bucket string) (*report.Why, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	p, err := limiter.ReadPosition(ctx, s.rdb, s.Namespace, bucket)
	switch {
	case err == nil:
		return report.NewWhy(s.Namespace, []string{bucket}, p), nil
	case errors.Is(err, limiter.ErrUnavailable):
		return nil, s.failed(err)
	}
	return nil, err
}

// bucketsOf returns the buckets of a route, none if no live replica has published it.
func bucketsOf(f *fleet.Fleet, route string) []string {
	for _, v := range f.Replicas {
		i := slices.IndexFunc(v.Routes, func(r limiter.RouteRecord) bool { return r.Route == route })
		if i >= 0 && v.State != fleet.Lost {
			return v.Routes[i].Buckets
		}
	}
	return nil
}

// plain returns the text of an error of the library without the library's name.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "limiter: ") }

// failed returns the error of a Redis that does not answer or refuses.
func (s *Source) failed(err error) error { return s.at.Unanswered(cli.Unreachable, err) }

// counted counts the bytes that a connection receives.
type counted struct {
	net.Conn

	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// counter counts commands.
type counter struct{ commands *atomic.Int64 }

func (c counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.commands.Add(1)
		return next(ctx, cmd)
	}
}

func (c counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.commands.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}
