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
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// errNoServer is returned if there is no redis-server to measure.
var errNoServer = errors.New("redis-server is not on the PATH: install the package redis-server to measure a real Redis")

// server is a redis-server of this run, over loopback and without persistence.
type server struct {
	rdb     *redis.Client
	process *exec.Cmd
	dir     string
}

// startServer starts a redis-server, and a client with so many connections. It returns errNoServer if the command is
// not installed.
func startServer(ctx context.Context, connections int) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNoServer
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0") // the system chooses a free port
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-paper")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, process: exec.CommandContext(ctx, path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir)} //nolint:gosec // the server of this machine
	var wrote bytes.Buffer
	s.process.Stdout, s.process.Stderr = &wrote, &wrote
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	s.rdb = redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:" + port, PoolSize: connections, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	for range 250 {
		if err = s.rdb.Ping(ctx).Err(); err == nil {
			return s, nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	s.stop()
	return nil, fmt.Errorf("redis-server does not reply: %w; its output: %s", err, bytes.TrimSpace(wrote.Bytes()))
}

// stop stops the server, waits for its end, and removes its files.
func (s *server) stop() {
	s.rdb.Close()
	_ = s.process.Process.Signal(os.Interrupt) // it may have ended by itself
	_ = s.process.Wait()
	_ = os.RemoveAll(s.dir)
}

// usage is what Redis has counted since it started.
type usage struct {
	cpu     time.Duration
	scripts int64
}

func (s *server) usage(ctx context.Context) (u usage, err error) {
	text, err := s.rdb.Info(ctx, "cpu", "commandstats").Result()
	for line := range strings.Lines(text) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch field {
		case "used_cpu_user", "used_cpu_sys":
			seconds, _ := strconv.ParseFloat(value, 64) // Redis wrote the number
			u.cpu += time.Duration(seconds * float64(time.Second))
		case "cmdstat_evalsha":
			_, err = fmt.Sscanf(value, "calls=%d", &u.scripts)
		}
	}
	return u, err
}

// pause sleeps for d. If ctx ends first, pause returns the cause.
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
