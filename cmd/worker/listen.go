package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/gate"
)

// callerFlags are the address of a replica and the rules for its callers. The token comes from the environment only, because other users of the
// machine can read command lines.
type callerFlags struct {
	Addr        string   `env:"WEIR_ADDR" placeholder:"HOST:PORT" help:"Address to listen on. Without it, 127.0.0.1 and the port in PORT, or 8080. An address that other machines reach needs WEIR_TOKEN."`
	AllowAnyone bool     `env:"WEIR_ALLOW_ANYONE" help:"Listen without WEIR_TOKEN on an address that other machines reach. Everyone who reaches the port can start analyses at your expense."`
	AllowHost   []string `env:"WEIR_ALLOW_HOST" placeholder:"NAME" help:"Host name that requests without WEIR_TOKEN may use, besides IP addresses and localhost. Separate several with commas."`
}

const tokenVariable = "WEIR_TOKEN"

// Validate returns an error that names the flag or the variable that is wrong.
func (f callerFlags) Validate() error {
	if _, err := port(); err != nil {
		return err
	}
	if token := os.Getenv(tokenVariable); token != "" {
		if _, err := gate.New(gate.Config{Token: token}); err != nil {
			return fmt.Errorf("%s: want %d characters or more, without spaces", tokenVariable, gate.MinToken)
		}
	}
	return validAddr("--addr (or WEIR_ADDR)", f.Addr)
}

// listen opens the address. It returns an error of usage if other machines could reach the address and neither a token nor --allow-anyone is set.
func (f callerFlags) listen(ctx context.Context) (net.Listener, error) {
	addr := f.Addr
	if addr == "" {
		p, err := port()
		if err != nil {
			return nil, &cli.Error{Status: cli.Usage, Err: err}
		}
		addr = net.JoinHostPort("127.0.0.1", p)
	}
	l, err := listen(ctx, addr)
	if err != nil {
		return nil, err
	}
	// The check uses the opened address and not the flag: a host name can resolve to any address.
	if at, ok := l.Addr().(*net.TCPAddr); f.AllowAnyone || os.Getenv(tokenVariable) != "" || ok && at.IP.IsLoopback() {
		return l, nil
	}
	_ = l.Close()
	return nil, cli.Usagef("%s reaches beyond this machine: set %s, which callers then have to send, or set --allow-anyone", addr, tokenVariable)
}

// gate returns the rules for callers.
func (f callerFlags) gate() gate.Config {
	return gate.Config{Token: os.Getenv(tokenVariable), Hosts: f.AllowHost}
}

// port returns the port on which a replica listens if no address is set.
func port() (string, error) {
	p := cmp.Or(os.Getenv("PORT"), "8080")
	if _, err := strconv.ParseUint(p, 10, 16); err != nil {
		return "", fmt.Errorf("PORT %q: want a port, 0 to 65535", p)
	}
	return p, nil
}

// validAddr returns an error that begins with name, the flag of an address, if addr is not HOST:PORT. An empty addr is valid.
func validAddr(name, addr string) error {
	if addr == "" {
		return nil
	}
	_, p, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(p, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s %q: want HOST:PORT, such as 127.0.0.1:8080", name, addr)
	}
	return nil
}

// listen opens an address. The error is one line with the cause and the fix.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; free the port or choose another with --addr", addr, errors.Unwrap(err))
	}
	return l, nil
}
