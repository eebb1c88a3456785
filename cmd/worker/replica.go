package main

import (
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
)

// server is the Redis of a command: the Redis of the fleet, or one embedded in this process.
type server struct {
	*cli.Redis

	embedded *miniredis.Miniredis
}

// openRedis returns the Redis of REDIS_URL, or starts an embedded one if the variable is not set.
func openRedis(f cli.RedisFlags) (*server, error) {
	r, err := f.Open(os.Getenv("REDIS_URL"))
	if err != nil {
		return nil, err
	}
	if r != nil {
		r.SendOnce = true // the limiter itself sends requests again, and sooner
		return &server{Redis: r}, nil
	}
	m, err := miniredis.Run()
	if err != nil {
		return nil, err
	}
	if r, err = cli.ParseRedis("redis://" + m.Addr()); err != nil {
		return nil, err
	}
	return &server{Redis: r, embedded: m}, nil
}

// where describes the address of Redis, and returns the command that inspects a namespace there. An empty namespace is the default one.
func (s *server) where(namespace string) (where, inspect string) {
	where, inspect = "the one in REDIS_URL", "go run ./cmd/inspect"
	if s.embedded != nil {
		where, inspect = "embedded, on "+s.Addr(), "REDIS_URL=redis://"+s.Addr()+" "+inspect
	}
	if namespace != "" && namespace != limiter.DefaultNamespace {
		inspect += " --namespace " + namespace
	}
	return where, inspect
}

// explain adds to an error of Redis the address of Redis and what to do. It returns other errors unchanged.
func (s *server) explain(err error) error {
	if _, refused := errors.AsType[redis.Error](err); refused || errors.Is(err, limiter.ErrUnavailable) {
		return s.Unanswered(cli.Failed, err)
	}
	return err
}

func (s *server) close() {
	if s.embedded != nil {
		s.embedded.Close()
	}
}

// logger returns a logger that writes JSON lines. A duration is written as "1.5s", and not as a number of nanoseconds.
func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}))
}
