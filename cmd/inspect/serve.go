package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/page"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/gate"
)

type serveCmd struct {
	common

	Addr     string        `default:"127.0.0.1:7070" placeholder:"HOST:PORT" help:"Address to listen on (${default}). An address that other machines can reach needs WEIR_TOKEN. Browsers ask for it as a password, with any user name."`
	Interval time.Duration `default:"2s" range:"200ms or more" help:"Time between two readings of Redis, 200ms or more (${default}). While no page is open, nothing is read."`
	Write    bool          `help:"Let everybody who has WEIR_TOKEN pause and resume buckets, and drain and forget replicas, on the page."`
	Stale    time.Duration `default:"10s" range:"more than the interval" help:"Age from which the page marks its data as stale (${default})."`
}

const tokenVariable = "WEIR_TOKEN"

// Validate refuses an address without a port, an interval that is too short, and an interval that makes all data stale.
func (c *serveCmd) Validate() error {
	if err := c.common.Validate(); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(c.Addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		return fmt.Errorf("--addr %q: want HOST:PORT, such as 127.0.0.1:7070", c.Addr)
	case c.Interval < 200*time.Millisecond:
		return fmt.Errorf("--interval %v: want 200ms or more", c.Interval)
	case c.Stale <= c.Interval:
		return fmt.Errorf("--stale %v: want more than the interval, %v, else all data is stale", c.Stale, c.Interval)
	}
	return nil
}

// Run serves the page until ctx ends, and then returns nil.
func (c *serveCmd) Run(ctx context.Context, s cli.Streams) error {
	src, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	token := os.Getenv(tokenVariable)
	by := ""
	if c.Write {
		if token == "" {
			return cli.Usagef("--write needs %s: everybody who has it may change the fleet", tokenVariable)
		}
		by = whoami()
	}
	server, err := page.New(page.Config{Source: src, Interval: c.Interval, Stale: c.Stale, Token: token, By: by})
	if err != nil {
		return cli.Usagef("%s: want %d characters or more, without spaces", tokenVariable, gate.MinToken)
	}
	l, err := listen(ctx, c.Addr, token != "")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Err, "inspect: namespace %s is shown at http://%s/\n", c.Namespace, l.Addr())
	return server.Serve(ctx, l)
}

// listen opens an address. It returns an error for an address that other machines can reach if the page has no token.
func listen(ctx context.Context, addr string, guarded bool) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; free the port or choose another with --addr", addr, errors.Unwrap(err))
	}
	// Check the address that was opened, not its name: a name may resolve to any address.
	if at, ok := l.Addr().(*net.TCPAddr); guarded || ok && at.IP.IsLoopback() {
		return l, nil
	}
	_ = l.Close()
	return nil, cli.Usagef("other machines can reach %s: set %s, and the page asks for it", addr, tokenVariable)
}
