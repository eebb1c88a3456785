package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// MissingError reports that the machine lacks a program or a file that a row needs. It is not a failure of the fleet.
type MissingError struct {
	What     string // what is missing, and how to get it
	Optional bool   // the row is left out; otherwise the machine must be able to play it
}

func (e *MissingError) Error() string { return "faults: " + e.What }

// Server is a Redis: a process of redis-server, or a container. Admin is an operator's client, which does not use a proxy.
type Server struct {
	Addr  string
	Admin *redis.Client

	path      string
	env       []string
	options   []string
	ready     string    // the text that the server logs when it accepts connections, in lower case
	process   *exec.Cmd // nil for a container
	container *container
	killed    bool
}

// A redis-server logs the first text when it accepts connections. A Sentinel logs the second.
const (
	serverReady   = "ready to accept connections"
	sentinelReady = "sentinel id is"
)

// StartServer starts a redis-server on a free port of this machine, and returns when it accepts connections. The server saves nothing to disk
// unless the options say so. Its environment is the environment of this process and env. Without redis-server on the PATH it returns a
// [MissingError].
func StartServer(ctx context.Context, dir string, env []string, options ...string) (*Server, error) {
	return startProcess(ctx, dir, env, serverReady, func(port, home string) ([]string, error) {
		return append(serverOptions(port), append(options, "--dir", home)...), nil
	})
}

// serverOptions returns the options of every redis-server.
func serverOptions(port string) []string {
	return []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--enable-debug-command", "yes"}
}

// startProcess starts redis-server. The function options gets a free port and a new folder, and returns the options.
func startProcess(ctx context.Context, dir string, env []string, ready string, options func(port, home string) ([]string, error)) (*Server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, &MissingError{What: "redis-server is not on the PATH: install the package redis-server"}
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(dir, "redis")
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", port), path: path, env: env, ready: ready}
	if s.options, err = options(port, home); err != nil {
		return nil, err
	}
	s.Admin = administrator(s.Addr)
	if err := s.Start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// administrator returns a client that sends each command only once. A retry could cause a fault twice.
func administrator(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// freePort returns a port to which nothing listens now.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Start starts the process or the container, and returns when it accepts connections. A killed server starts again at its former address. A
// container ignores the options and keeps its own.
func (s *Server) Start(ctx context.Context, options ...string) error {
	s.killed = false
	if s.container != nil {
		return s.container.start(ctx, s.Admin)
	}
	s.process = exec.Command(s.path, append(s.options, options...)...) //nolint:noctx // Kill and Close end it
	s.process.Env = append(os.Environ(), s.env...)
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	ready, lines := make(chan bool, 1), bufio.NewScanner(out)
	go func() {
		defer close(ready)
		for lines.Scan() {
			line := strings.ToLower(lines.Text())
			if strings.Contains(line, s.ready) || strings.Contains(line, "loading") && len(options) > 0 {
				select {
				case ready <- true:
				default:
				}
			}
		}
	}()
	select {
	case ok := <-ready:
		if !ok {
			return errors.New("faults: redis-server ended before it was ready")
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Kill ends the process at once, as a crash does.
func (s *Server) Kill() error {
	if err := s.send(syscall.SIGKILL); err != nil {
		return err
	}
	s.killed = true
	if s.process != nil {
		_ = s.process.Wait() // its error is that the process was killed
	}
	return nil
}

// Stop suspends the process: its connections stay open, and it answers nothing.
func (s *Server) Stop() error { return s.send(suspendSignal) }

// Continue resumes a suspended process.
func (s *Server) Continue() error { return s.send(resumeSignal) }

// running reports whether the server has not been killed. A suspended server counts as running.
func (s *Server) running() bool { return !s.killed }

func (s *Server) send(signal syscall.Signal) error {
	if s.container != nil {
		return s.container.signal(signal)
	}
	return s.process.Process.Signal(signal)
}

// Close ends the server.
func (s *Server) Close() {
	if s.Admin != nil {
		_ = s.Admin.Close()
	}
	if s.container != nil {
		s.container.close()
	}
	if s.process != nil && s.process.Process != nil && s.process.ProcessState == nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	}
}

// wait polls until a condition holds. It returns an error that begins with what if the condition does not hold after 30 s, or if ctx ends.
func wait(ctx context.Context, what string, holds func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds(ctx) {
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("faults: waiting until %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

// RedisVersion returns the version of the redis-server on the PATH, or "unknown".
func RedisVersion() string {
	out, err := exec.Command("redis-server", "--version").Output() //nolint:noctx // ends at once
	if err != nil {
		return "unknown"
	}
	for word := range strings.FieldsSeq(string(out)) {
		if version, ok := strings.CutPrefix(word, "v="); ok {
			return version
		}
	}
	return "unknown"
}
