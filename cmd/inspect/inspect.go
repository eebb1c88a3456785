package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// inspectCmd is what can be asked of the command.
type inspectCmd struct {
	Show    showCmd          `cmd:"" default:"withargs" help:"Show the buckets and replicas of a fleet."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Why whyCmd `cmd:"" help:"Say why a call waits that passes some buckets, and until when."`
}

type showCmd struct{ common }

// common is what both take.
type common struct {
	Namespace string        `env:"WEIR_NAMESPACE" default:"weir" placeholder:"NAME" help:"Name under which the fleet shares its budget (${default})."`
	JSON      bool          `name:"json" help:"Print one JSON object instead of text."`
	Timeout   time.Duration `default:"3s" help:"How long Redis may take to answer (${default})."`
}

// Validate refuses what could never be read.
func (c *common) Validate() error {
	if c.Timeout <= 0 {
		return fmt.Errorf("timeout %v: want more than 0", c.Timeout)
	}
	return limiter.ValidateName("namespace", c.Namespace)
}

// open returns a client of the fleet's Redis, and where that is.
func (c *common) open() (*redis.Client, string, error) {
	options, err := cli.ParseRedis(cmp.Or(os.Getenv("REDIS_URL"), "redis://127.0.0.1:6379"))
	if err != nil {
		return nil, "", err
	}
	options.DialTimeout, options.ReadTimeout, options.MaxRetries = c.Timeout, c.Timeout, -1
	return redis.NewClient(options), options.Addr, nil
}

// printer is what a command has read.
type printer interface{ print(out io.Writer) error }

// once reads within the timeout and prints what was read.
func (c *common) once(ctx context.Context, s cli.Streams, read func(ctx context.Context, rdb *redis.Client, addr string) (printer, error)) error {
	rdb, addr, err := c.open()
	if err != nil {
		return err
	}
	defer rdb.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	seen, err := read(ctx, rdb, addr)
	var known *cli.Error
	switch {
	case errors.As(err, &known):
		return known
	case err != nil:
		return cli.Unanswered(cli.Unreachable, addr, err)
	case c.JSON:
		return json.NewEncoder(s.Out).Encode(seen)
	}
	return seen.print(s.Out)
}

// Run shows what the fleet is doing now.
func (c *showCmd) Run(ctx context.Context, s cli.Streams) error {
	return c.once(ctx, s, func(ctx context.Context, rdb *redis.Client, addr string) (printer, error) {
		buckets, err := limiter.ReadSnapshot(ctx, rdb, c.Namespace)
		if err != nil {
			return nil, err
		}
		replicas, err := fleet.Read(ctx, rdb, c.Namespace)
		return newReport(c.Namespace, addr, buckets, replicas), err
	})
}
