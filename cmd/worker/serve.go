package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker"
)

type serveCmd struct {
	Addr  string        `placeholder:"HOST:PORT" help:"Address to listen on; without it, the port in PORT, else :8080."`
	Drain time.Duration `env:"WEIR_DRAIN" default:"20s" help:"How long running analyses may take to end after a signal (${default})."`

	budgetFlags
	providerFlags
	adminFlags
}

// Validate refuses a drain that could never end.
func (c *serveCmd) Validate() error {
	if c.Drain <= 0 {
		return fmt.Errorf("drain %v: want more than 0", c.Drain)
	}
	return c.budgetFlags.Validate()
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, s cli.Streams) (err error) {
	tel, err := startTelemetry(ctx, s.Err)
	if err != nil {
		return err
	}
	defer tel.end(ctx)
	log := tel.log

	redis, err := openRedis()
	if err != nil {
		return err
	}
	defer redis.close()
	rdb := redis.client()
	defer rdb.Close()

	cfg := worker.Config{
		Redis: rdb, Namespace: c.Namespace, Budget: c.limit(), Slots: c.Slots, Logger: log, Version: version(), Drain: c.Drain,
		TracerProvider: tel.tracers, MeterProvider: tel.meters,
	}
	if err := c.apply(&cfg); err != nil {
		return err
	}
	w, err := worker.New(cfg)
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	listener, err := listen(ctx, cmp.Or(c.Addr, ":"+port()))
	if err != nil {
		return err
	}
	admin, err := c.startAdmin(ctx, tel)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer func() { err = errors.Join(err, admin.close()) }()
	if redis.embedded != nil {
		log.WarnContext(ctx, "REDIS_URL is not set: the budget is this process' alone", "redis", redis.options.Addr)
	}
	log.InfoContext(ctx, "listening", "addr", listener.Addr().String(), "budget", c.limit().String())
	return w.Serve(ctx, listener, tracedHandler(w.Handler(), tel.tracers, tel.meters))
}

// port is where a replica listens unless it is told an address.
func port() string { return cmp.Or(os.Getenv("PORT"), "8080") }

// listen opens an address, or says in one line what keeps it from that.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; free the port or choose another with --addr", addr, errors.Unwrap(err))
	}
	return l, nil
}
