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

// server is the Redis of this run: a process on a free port of 127.0.0.1, without persistence.
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
	var output bytes.Buffer
	// The process is not bound to ctx, because the bench still reads its counters after an interrupt.
	s.process = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir) //nolint:noctx // see above
	s.process.Stdout, s.process.Stderr = &output, &output
	s.process.SysProcAttr = apart() // Ctrl-C in the terminal must not end Redis before the bench
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	s.rdb = redis.NewClient(&redis.Options{Addr: s.addr})
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("redis-server: %w; its output: %s", err, bytes.TrimSpace(output.Bytes()))
	}
	return s, nil
}

// freePort returns a port to which nothing listens now.
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

// stop ends the server, waits for its end, and removes its files.
func (s *server) stop() {
	_ = s.rdb.Close()
	_ = s.process.Process.Signal(os.Interrupt) // fails if the server has ended by itself
	_ = s.process.Wait()
	_ = os.RemoveAll(s.dir)
}

// pause sleeps for d and returns nil. If ctx ends first, it returns the cause.
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
