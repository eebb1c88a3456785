package main

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
)

type serveCmd struct {
	Grace time.Duration `env:"WEIR_GRACE" default:"1s" range:"0 or more" help:"How long a replica that ends still accepts analyses while /readyz answers 503, so that balancers stop sending them (${default})."`
	Drain time.Duration `env:"WEIR_DRAIN" default:"20s" range:"more than 0" help:"How long running analyses may take to end after that (${default}). The steps after the drain take 22s at most. Let your platform wait longer than the sum of the three before it ends the process."`

	WhenAway string        `env:"WEIR_WHEN_AWAY" enum:"local,closed,open" default:"local" help:"What to do while Redis is away: local continues with this replica's share of each limit, closed waits, open starts every call at once (${default})."`
	LocalFor time.Duration `env:"WEIR_LOCAL_FOR" default:"30s" range:"1s to 1h" help:"How long local may last, 1s to 1h (${default}). After that, calls wait."`

	callerFlags
	budgetFlags
	cli.RedisFlags
	providerFlags
	adminFlags
}

// Validate returns the first error of the flags of serve.
func (c *serveCmd) Validate() error {
	switch {
	case c.Drain <= 0:
		return fmt.Errorf("--drain (or WEIR_DRAIN) %v: want more than 0", c.Drain)
	case c.Grace < 0:
		return fmt.Errorf("--grace (or WEIR_GRACE) %v: want 0 or more", c.Grace)
	case c.LocalFor < time.Second || c.LocalFor > time.Hour:
		return fmt.Errorf("--local-for (or WEIR_LOCAL_FOR) %v: want 1s to 1h", c.LocalFor)
	}
	return firstError(c.callerFlags.Validate(), c.budgetFlags.Validate(), c.providerFlags.Validate())
}

// endsWithin returns the longest time from the first signal to the exit of the command.
func (c *serveCmd) endsWithin() time.Duration {
	return c.Grace + c.Drain + worker.AfterDrain + flushTime
}

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context, s cli.Streams) (err error) {
	tel, err := startTelemetry(ctx, s.Err)
	if err != nil {
		return err
	}
	log, began, served := tel.log, time.Now(), false
	defer func() {
		tel.end(ctx)
		if served {
			log.InfoContext(ctx, "ending: telemetry flushed")
			log.InfoContext(ctx, "ended", "seconds", time.Since(began).Seconds(), "in_order", err == nil)
		}
	}()

	redis, err := openRedis(c.RedisFlags)
	if err != nil {
		return err
	}
	defer redis.close()
	redis.Unreadable = func(err error) { log.ErrorContext(ctx, "redis: no new connection", "reason", err.Error()) }
	rdb := redis.Client()
	defer rdb.Close()

	cfg := worker.Config{
		Redis: rdb, Namespace: c.Namespace, Budget: c.limit(), Slots: c.Slots, Logger: log, Version: cli.Version(), Grace: c.Grace, Drain: c.Drain,
		WhenAway: map[string]limiter.WhenAway{"local": limiter.FailLocal, "closed": limiter.FailClosed, "open": limiter.FailOpen}[c.WhenAway], LocalFor: c.LocalFor,
		Gate: c.gate(), TracerProvider: tel.tracers, MeterProvider: tel.meters,
	}
	if err := c.apply(&cfg); err != nil {
		return err
	}
	w, err := worker.New(cfg)
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	listener, err := c.listen(ctx)
	if err != nil {
		return err
	}
	admin, err := c.startAdmin(ctx, tel)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer func() { err = firstError(err, admin.close()) }()
	served = true
	if redis.embedded != nil {
		log.WarnContext(ctx, "REDIS_URL is not set: the budget is for this process only", "redis", redis.Addr())
	}
	log.InfoContext(ctx, "listening", "addr", listener.Addr().String(), "budget", c.limit().String(), "token", cfg.Gate.Token != "",
		"ends_within", c.endsWithin().String())
	return w.Serve(ctx, listener, tracedHandler(w.Handler(), tel.tracers, tel.meters))
}
