package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// adminPort is the port that OpenTelemetry assigns to exporters for Prometheus.
const adminPort = "9464"

// noAdmin is the value of WEIR_ADMIN that opens no port.
const noAdmin = "off"

// adminFlags are the address of metrics and profiles, for the operators of a replica.
type adminFlags struct {
	Admin string `env:"WEIR_ADMIN" placeholder:"HOST:PORT" help:"Address of /metrics, and on loopback of /debug/pprof; \"off\" for none. Without it, 127.0.0.1:9464, or a free port if that one is taken."`
}

// admin serves metrics and profiles on a port of its own, which is not the port for clients of the replica.
type admin struct {
	listeners []net.Listener
	serving   errgroup.Group
	stop      context.CancelFunc
}

// startAdmin opens the admin port until [admin.close], and logs its address. It returns nil if the port is off. If a requested address is taken,
// startAdmin returns an error. If the default address is taken, startAdmin opens a free port, so that several replicas can run on one machine.
func (c adminFlags) startAdmin(ctx context.Context, t *telemetry) (*admin, error) {
	addr, name := c.Admin, "--admin (or WEIR_ADMIN)"
	switch {
	case addr == noAdmin && t.scraped:
		return nil, cli.Usagef("OTEL_METRICS_EXPORTER is prometheus and WEIR_ADMIN is off: Prometheus could not fetch the metrics; change one of the two")
	case addr == noAdmin:
		return nil, nil
	case addr == "" && t.scraped:
		host, port := os.Getenv("OTEL_EXPORTER_PROMETHEUS_HOST"), os.Getenv("OTEL_EXPORTER_PROMETHEUS_PORT")
		if host != "" || port != "" {
			name = "OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT"
			addr = net.JoinHostPort(cmp.Or(host, "127.0.0.1"), cmp.Or(port, adminPort))
		}
	}
	usual := addr == ""
	if usual {
		addr = "127.0.0.1:" + adminPort
	}
	if err := validAddr(name, addr); err != nil {
		return nil, cli.Usagef("%w; off opens none", err)
	}
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil && usual {
		l, err = cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cannot listen on %s: %w; free the port or choose another", name, addr, errors.Unwrap(err))
	}
	a := &admin{listeners: []net.Listener{l}}
	// Profiles are for loopback only. A listener on another interface does not receive requests to loopback, so a second one does.
	if at := l.Addr().(*net.TCPAddr); !at.IP.IsLoopback() && !at.IP.IsUnspecified() { //nolint:forcetypeassert // it listens on TCP
		inside, err := cfg.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", at.Port))
		if err != nil {
			_ = l.Close()
			return nil, fmt.Errorf("%s: cannot listen on 127.0.0.1:%d, for profiles: %w", name, at.Port, errors.Unwrap(err))
		}
		a.listeners = append(a.listeners, inside)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // metrics and profiles are available during the drain
	a.stop = stop
	for _, l := range a.listeners {
		a.serving.Go(func() error { return serveHTTP(serving, l, adminHandler(t.scrape), 0) })
		t.log.InfoContext(ctx, "metrics", "admin", l.Addr().String())
	}
	return a, nil
}

// close closes the admin port without waiting for requests in flight, because a profile may take half a minute.
func (a *admin) close() error {
	if a == nil {
		return nil
	}
	a.stop()
	return a.serving.Wait()
}

func adminHandler(scrape http.Handler) http.Handler {
	if scrape == nil {
		scrape = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "OTEL_SDK_DISABLED is true: there are no metrics", http.StatusNotFound)
		})
	}
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", scrape)
	mux.Handle("/debug/pprof/", local(profiles))
	return mux
}

// local answers 404 to requests from other machines, and to requests that name another host, which a web page in a browser on this machine could
// send. A profile shows parts of the memory.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if here == nil || !isLoopback(here.String()) || !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether an address, with or without a port, belongs to the loopback interface.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
