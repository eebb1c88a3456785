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

// callerFlags say who may call a replica. The token comes from the environment only, never from a command line that others see.
type callerFlags struct {
	Addr        string   `env:"WEIR_ADDR" placeholder:"HOST:PORT" help:"Address to listen on; without it, 127.0.0.1 and the port in PORT, else 8080. Listening beyond this machine needs WEIR_TOKEN."`
	AllowAnyone bool     `env:"WEIR_ALLOW_ANYONE" help:"Listen beyond this machine without WEIR_TOKEN: whoever reaches the port starts analyses at your expense."`
	AllowHost   []string `env:"WEIR_ALLOW_HOST" placeholder:"NAME" help:"Name by which the replica is addressed where WEIR_TOKEN is not set, besides IP addresses and localhost. Several are separated by commas."`
}

const tokenVariable = "WEIR_TOKEN"

// Validate names the flag or the variable that is wrong.
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

// listen opens the address, unless strangers could reach it who should not.
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
	// The address that was opened is judged, not its name: a name may mean anything.
	if at, ok := l.Addr().(*net.TCPAddr); f.AllowAnyone || os.Getenv(tokenVariable) != "" || ok && at.IP.IsLoopback() {
		return l, nil
	}
	_ = l.Close()
	return nil, cli.Usagef("%s reaches beyond this machine: set %s, which callers then have to send, or give --allow-anyone", addr, tokenVariable)
}

// gate is who may call.
func (f callerFlags) gate() gate.Config {
	return gate.Config{Token: os.Getenv(tokenVariable), Hosts: f.AllowHost}
}

// port is where a replica listens unless it is told an address.
func port() (string, error) {
	p := cmp.Or(os.Getenv("PORT"), "8080")
	if _, err := strconv.ParseUint(p, 10, 16); err != nil {
		return "", fmt.Errorf("PORT %q: want a port, 0 to 65535", p)
	}
	return p, nil
}

// validAddr checks an address that came by a flag or a variable, which the error names; none is fine.
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

// listen opens an address, or says in one line what keeps it from that.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; free the port or choose another with --addr", addr, errors.Unwrap(err))
	}
	return l, nil
}
