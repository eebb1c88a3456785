package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a native Redis of this run: on a port of its own, over loopback as peers' users have it, and without
// persistence.
type server struct {
	addr    string
	version string
	rdb     *redis.Client // for the bench itself
	process *exec.Cmd
	dir     string
}

func startServer(ctx context.Context) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not on the PATH: install Redis 7 or later to run the bench")
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-bench")
	if err != nil {
		return nil, err
	}
	s := &server{addr: net.JoinHostPort("127.0.0.1", port), dir: dir}
	var said bytes.Buffer
	// Not bound to ctx: the last readings are taken after an interrupt, too.
	s.process = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir) //nolint:noctx // see above
	s.process.Stdout, s.process.Stderr = &said, &said
	s.process.SysProcAttr = apart() // so that an interrupt of the terminal does not end it first
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	s.rdb = redis.NewClient(&redis.Options{Addr: s.addr})
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("redis-server: %w; it said: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return s, nil
}

// freePort asks the kernel for a port that nobody listens on.
func freePort(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func (s *server) ready(ctx context.Context) error {
	var err error
	for range 250 {
		var info map[string]string
		if info, err = s.about(ctx); err == nil {
			s.version = info["redis_version"]
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return err
}

func (s *server) about(ctx context.Context) (map[string]string, error) {
	sections, err := s.rdb.InfoMap(ctx, "server").Result()
	return sections["Server"], err
}

// stop ends the server and waits until it has.
func (s *server) stop() {
	_ = s.rdb.Close()
	_ = s.process.Process.Signal(os.Interrupt) // it may have ended by itself
	_ = s.process.Wait()
	_ = os.RemoveAll(s.dir)
}

// pause sleeps for d, or returns the cause of ctx' end.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
