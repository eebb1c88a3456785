package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// TestProfilesAreForThisMachine checks that only requests over loopback get profiles, on whatever interface the port listens, and no web page of
// another host does.
func TestProfilesAreForThisMachine(t *testing.T) {
	for name, c := range map[string]struct {
		here, from, host string
		status           int
	}{
		"loopback":                      {"127.0.0.1:9464", "127.0.0.1:40000", "127.0.0.1:9464", http.StatusOK},
		"by name":                       {"127.0.0.1:9464", "127.0.0.1:40000", "localhost:9464", http.StatusOK},
		"without a port":                {"127.0.0.1:80", "127.0.0.1:40000", "localhost", http.StatusOK},
		"loopback of IPv6":              {"[::1]:9464", "[::1]:40000", "[::1]:9464", http.StatusOK},
		"loopback of IPv4 within IPv6":  {"[::ffff:127.0.0.1]:9464", "[::ffff:127.0.0.1]:40000", "127.0.0.1:9464", http.StatusOK},
		"another machine":               {"10.0.0.5:9464", "10.0.0.6:40000", "10.0.0.5:9464", http.StatusNotFound},
		"another interface":             {"10.0.0.5:9464", "10.0.0.5:40000", "10.0.0.5:9464", http.StatusNotFound},
		"a loopback address from afar":  {"127.0.0.1:9464", "10.0.0.6:40000", "127.0.0.1:9464", http.StatusNotFound},
		"the page of another host":      {"127.0.0.1:9464", "127.0.0.1:40000", "attacker.example:9464", http.StatusNotFound},
		"a host that looks like it":     {"127.0.0.1:9464", "127.0.0.1:40000", "127.0.0.1.attacker.example", http.StatusNotFound},
		"a request that says no host":   {"127.0.0.1:9464", "127.0.0.1:40000", "", http.StatusNotFound},
		"a connection without address":  {"", "127.0.0.1:40000", "127.0.0.1:9464", http.StatusNotFound},
		"a path that leads to profiles": {"10.0.0.5:9464", "10.0.0.6:40000", "localhost", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap", "/debug/pprof/symbol"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
				if c.here != "" {
					at, err := net.ResolveTCPAddr("tcp", c.here)
					if err != nil {
						t.Fatal(err)
					}
					r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
				}
				r.RemoteAddr, r.Host = c.from, c.host
				out := httptest.NewRecorder()
				adminHandler(nil).ServeHTTP(out, r)
				if out.Code != c.status {
					t.Errorf("%s: status %d, want %d", path, out.Code, c.status)
				}
			}
		})
	}
}

// TestAdminPort checks that metrics and profiles have their own port, which is in the log, and that a second replica gets a free port if the default
// port is taken.
func TestAdminPort(t *testing.T) {
	first, second := serve(t, nil), serve(t, nil)
	if first.admin == second.admin || !strings.HasPrefix(first.admin, "http://127.0.0.1:") || !strings.HasPrefix(second.admin, "http://127.0.0.1:") {
		t.Errorf("%s and %s", first.admin, second.admin)
	}
	for path, want := range map[string]string{"/metrics": "weir_bucket_limit_per_second", "/debug/pprof/": "goroutine"} {
		if status, body := get(t, second.admin+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
		if status, _ := get(t, second.url+path); status != http.StatusNotFound {
			t.Errorf("%s on the port of clients: status %d", path, status)
		}
	}
	if status, _ := get(t, second.admin+"/debug/pprof/", "Host", "attacker.example"); status != http.StatusNotFound {
		t.Errorf("profiles for the page of another host: status %d", status)
	}
	for _, s := range []*served{first, second} {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	}
	if _, err := http.Get(second.admin + "/metrics"); err == nil { //nolint:noctx,bodyclose // no server answers
		t.Error("the admin port is open after the end of the replica")
	}
}

// TestAdminPortEndsAtOnce checks that a request in flight, for example for a profile, does not delay the end of a replica and causes no error.
func TestAdminPortEndsAtOnce(t *testing.T) {
	asked := make(chan struct{})
	tel := &telemetry{log: slog.New(slog.DiscardHandler), scrape: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})}
	a, err := adminFlags{Admin: "127.0.0.1:0"}.startAdmin(t.Context(), tel)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		_, err := http.Get("http://" + a.listeners[0].Addr().String() + "/metrics") //nolint:noctx,bodyclose // the end of the port cuts it off
		cut <- err
	}()
	<-asked
	began := time.Now()
	if err := a.close(); err != nil || time.Since(began) > patience/2 {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if err := <-cut; err == nil {
		t.Error("the request was answered")
	}
}

// TestPrometheusExporterIsTheAdminPort checks that the standard variables set the address of the admin port if WEIR_ADMIN is not set.
func TestPrometheusExporterIsTheAdminPort(t *testing.T) {
	s := serve(t, map[string]string{"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "localhost", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"})
	if status, body := get(t, s.admin+"/metrics"); status != http.StatusOK || !strings.Contains(body, "weir_slot_count") || strings.HasSuffix(s.admin, ":"+adminPort) {
		t.Errorf("%s: %d %.200s", s.admin, status, body)
	}
}

// TestProfilesOfAnotherInterface checks that profiles are on the same port of loopback only, if metrics are on another interface.
func TestProfilesOfAnotherInterface(t *testing.T) {
	address := outside(t)
	s := serve(t, map[string]string{"WEIR_ADMIN": net.JoinHostPort(address, "0")})
	port := s.admin[strings.LastIndex(s.admin, ":"):]
	for url, want := range map[string]int{
		s.admin + "/metrics":                         http.StatusOK,
		s.admin + "/debug/pprof/":                    http.StatusNotFound,
		"http://127.0.0.1" + port + "/debug/pprof/":  http.StatusOK,
		"http://127.0.0.1" + port + "/metrics":       http.StatusOK,
		"http://127.0.0.1" + port + "/debug/missing": http.StatusNotFound,
	} {
		if status, _ := get(t, url); status != want {
			t.Errorf("%s: status %d, want %d", url, status, want)
		}
	}
}

// outside returns an address of this machine that is not loopback. If there is none, the test is skipped, or fails if CI is set.
func outside(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("CI is set, so this must run: this machine has only loopback")
	}
	t.Skip("this machine has only loopback")
	return ""
}
