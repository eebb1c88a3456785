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

// server is a Redis to work with: the fleet's, or one embedded in this process.
type server struct {
	*cli.Redis

	embedded *miniredis.Miniredis
}

// openRedis uses the Redis that REDIS_URL names, and starts an embedded one where that is not set.
func openRedis(f cli.RedisFlags) (*server, error) {
	r, err := f.Open(os.Getenv("REDIS_URL"))
	if err != nil {
		return nil, err
	}
	if r != nil {
		r.SendOnce = true // the limiter sends again sooner
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

// where is where Redis is, and the command that looks at a namespace in it. An empty namespace is the default one.
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

// explain adds to an error of Redis where Redis is and what to do. It leaves other errors as they are.
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

// logger writes JSON lines. A duration is written as "1.5s", and not as a number of nanoseconds.
func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}))
}
