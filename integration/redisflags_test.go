package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

// redisServer starts redis-server on a free port, and returns its address. It replaces %port in the arguments by
// the port.
func redisServer(t *testing.T, args ...string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "redis-server is not on the PATH: install the package redis-server to run this test")
	}
	port := freePort(t)
	all := make([]string, len(args))
	for i, arg := range args {
		all[i] = strings.ReplaceAll(arg, "%port", port)
	}
	server := exec.CommandContext(t.Context(), path, append(all, "--bind", "127.0.0.1", "--dir", t.TempDir())...) //nolint:gosec // from the PATH
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() }) // the end of the test's context has killed it
	var log bytes.Buffer
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if text := strings.ToLower(lines.Text()); strings.Contains(text, "ready to accept connections") || strings.Contains(text, "sentinel id is") {
			go func() {
				for lines.Scan() { // a full pipe would block the server
				}
			}()
			return net.JoinHostPort("127.0.0.1", port)
		}
	}
	if strings.Contains(log.String(), "TLS") || strings.Contains(log.String(), "tls-") {
		missing(t, "redis-server cannot speak TLS: install one that can, such as Debian's: %s", log.String())
	}
	t.Fatalf("redis-server ended before it was ready: %s", log.String())
	return ""
}

// secrets are the files of certificates and their keys: of a Redis with TLS, of a client that it accepts, and of a client of another authority
// that it refuses.
type secrets struct {
	ours, theirs          *authority
	server, serverKey     string
	expired, expiredKey   string
	client, clientKey     string
	stranger, strangerKey string
}

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{ours: newAuthority(t, "ours"), theirs: newAuthority(t, "theirs")}
	s.server, s.serverKey = s.ours.issue(t, "server", time.Now().Add(time.Hour))
	s.expired, s.expiredKey = s.ours.issue(t, "expired", time.Now().Add(-time.Minute))
	s.client, s.clientKey = s.ours.issue(t, "client", time.Now().Add(time.Hour))
	s.stranger, s.strangerKey = s.theirs.issue(t, "stranger", time.Now().Add(time.Hour))
	return s
}

// options returns the options of a server that speaks only TLS.
func (s *secrets) options(cert, key string, more ...string) []string {
	return append([]string{
		"--port", "0", "--tls-port", "%port", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", s.ours.file,
	}, more...)
}

// admin returns an administrator's client of a server with TLS.
func (s *secrets) admin(t *testing.T, addr string) *redis.Client {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(s.client, s.clientKey)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(contents(t, s.ours.file))
	rdb := redis.NewClient(&redis.Options{Addr: addr, TLSConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// commands are the built commands, and what they need besides Redis: a playlist and the URL of a simulator.
type commands struct{ worker, inspect, playlist, simulator string }

func buildCommands(t *testing.T) commands {
	t.Helper()
	sim, err := upstream.New(upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	c := commands{worker: build(t, "worker"), inspect: build(t, "inspect"), simulator: server.URL, playlist: filepath.Join(t.TempDir(), "short.csv")}
	lines := strings.SplitAfterN(string(playlist.Sample()), "\n", 4)
	put(t, c.playlist, strings.Join(lines[:3], ""))
	return c
}

// run runs a command to its end, without the variables that configure it in this environment. last is the last line of stderr, where a command
// prints its error.
func (c commands) run(t *testing.T, env []string, binary string, args ...string) (status int, stdout, last string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(plainEnviron(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says how it ended
	lines := strings.Split(strings.TrimSuffix(errs.String(), "\n"), "\n")
	return cmd.ProcessState.ExitCode(), out.String(), lines[len(lines)-1]
}

// analyze runs worker analyze with the playlist and the simulator.
func (c commands) analyze(t *testing.T, env []string, flags ...string) (status int, last string) {
	t.Helper()
	args := append([]string{"analyze", "--upstream", c.simulator, "--rate", "1000", "--burst", "1000"}, flags...)
	status, _, last = c.run(t, env, c.worker, append(args, c.playlist)...)
	return status, last
}

// events runs inspect events. It prints nothing on a Redis that no operator has changed.
func (c commands) events(t *testing.T, env []string, flags ...string) (status int, last string) {
	t.Helper()
	status, _, last = c.run(t, env, c.inspect, append([]string{"events"}, flags...)...)
	return status, last
}

// plainEnviron returns the environment without the variables that configure the commands.
func plainEnviron() (plain []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WEIR_") && !strings.HasPrefix(v, "OTEL_") && !strings.HasPrefix(v, "REDIS_") {
			plain = append(plain, v)
		}
	}
	return plain
}

// TestTLSOfRedis: the exit status and the error of the commands, for certificates of client and server that match and that do not. inspect
// gets them by flags, worker by the environment.
func TestTLSOfRedis(t *testing.T) {
	c, s := buildCommands(t), newSecrets(t)
	open := redisServer(t, s.options(s.server, s.serverKey, "--tls-auth-clients", "no")...)
	closed := redisServer(t, s.options(s.server, s.serverKey, "--tls-auth-clients", "yes")...)
	expired := redisServer(t, s.options(s.expired, s.expiredKey, "--tls-auth-clients", "no")...)
	plain := redisServer(t, "--port", "%port")
	cluster, sentinel := secureCluster(t, s), secureSentinel(t, s)
	const ours, none = "ours", ""
	for _, row := range []struct {
		situation, url, ca, cert string
		ok                       bool
		says                     []string
	}{
		{"right authority", "rediss://" + open, ours, none, true, nil},
		{"right authority and certificate", "rediss://" + closed, ours, ours, true, nil},
		{"a cluster", "rediss+cluster://" + cluster, ours, ours, true, nil},
		{"Sentinel", "rediss+sentinel://" + sentinel + "/weir", ours, ours, true, nil},
		{"no authority", "rediss://" + open, none, none, false, []string{"unknown authority", "--redis-ca (or WEIR_REDIS_CA)"}},
		{"another authority", "rediss://" + open, "theirs", none, false, []string{"unknown authority", "--redis-ca (or WEIR_REDIS_CA)"}},
		{"another authority, of a cluster", "rediss+cluster://" + cluster, "theirs", ours, false, []string{"--redis-ca"}},
		{"another authority, of Sentinel", "rediss+sentinel://" + sentinel + "/weir", "theirs", ours, false, []string{"--redis-ca"}},
		{"no certificate", "rediss://" + closed, ours, none, false, []string{"--redis-cert (or WEIR_REDIS_CERT)", "--redis-key"}},
		{"a certificate of others", "rediss://" + closed, ours, "theirs", false, []string{"--redis-cert", "--redis-key"}},
		{"an expired certificate of Redis", "rediss://" + expired, ours, none, false, []string{"expired", "renew the certificate"}},
		{"another name", "rediss://localhost:" + portOf(t, open), ours, none, false, []string{"certificate", "REDIS_URL has to name the server"}},
		{"TLS to a port without", "rediss://" + plain, ours, none, false, []string{"TLS", "redis://"}},
		{"no TLS to a port with", "redis://" + open, none, none, false, []string{"rediss://"}},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var flags, env []string
			use := func(flag, variable, file string) {
				flags, env = append(flags, flag, file), append(env, variable+"="+file)
			}
			switch row.ca {
			case ours:
				use("--redis-ca", "WEIR_REDIS_CA", s.ours.file)
			case "theirs":
				use("--redis-ca", "WEIR_REDIS_CA", s.theirs.file)
			}
			switch row.cert {
			case ours:
				use("--redis-cert", "WEIR_REDIS_CERT", s.client)
				use("--redis-key", "WEIR_REDIS_KEY", s.clientKey)
			case "theirs":
				use("--redis-cert", "WEIR_REDIS_CERT", s.stranger)
				use("--redis-key", "WEIR_REDIS_KEY", s.strangerKey)
			}
			looked, look := c.events(t, []string{"REDIS_URL=" + row.url}, flags...)
			worked, work := c.analyze(t, append(env, "REDIS_URL="+row.url))
			t.Logf("inspect %d, worker %d: %s", looked, worked, look)
			if row.ok {
				if looked != 0 || worked != 0 {
					t.Errorf("inspect %d: %s; worker %d: %s", looked, look, worked, work)
				}
				return
			}
			if looked != 3 || worked != 1 {
				t.Errorf("inspect %d, want 3: %s; worker %d, want 1: %s", looked, look, worked, work)
			}
			for _, says := range row.says {
				if !strings.Contains(look, says) || !strings.Contains(work, says) {
					t.Errorf("inspect printed %q, worker printed %q; want %q in both", look, work, says)
				}
			}
		})
	}
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// secureCluster starts a cluster of one node. The node speaks only TLS, and only to clients with a certificate.
func secureCluster(t *testing.T, s *secrets) (addr string) {
	t.Helper()
	addr = redisServer(t, s.options(s.server, s.serverKey, "--tls-auth-clients", "yes", "--tls-cluster", "yes", "--cluster-enabled", "yes", "--cluster-port", freePort(t),
		"--cluster-announce-ip", "127.0.0.1")...) // without it, a node learns its address from other nodes
	admin := s.admin(t, addr)
	if err := admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	until(t, "the cluster serves all slots", func(ctx context.Context) bool {
		known, err := admin.ClusterInfo(ctx).Result()
		return err == nil && strings.Contains(known, "cluster_state:ok")
	})
	return addr
}

// secureSentinel starts a master and a Sentinel that watches it. Both speak only TLS, and only to clients with a certificate.
func secureSentinel(t *testing.T, s *secrets) (addr string) {
	t.Helper()
	strict := []string{"--tls-auth-clients", "yes", "--tls-replication", "yes"}
	master := redisServer(t, s.options(s.server, s.serverKey, strict...)...)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	put(t, file, "sentinel monitor weir 127.0.0.1 "+portOf(t, master)+" 1\n")
	addr = redisServer(t, append([]string{file, "--sentinel"}, s.options(s.server, s.serverKey, strict...)...)...)
	admin := s.admin(t, addr)
	until(t, "Sentinel knows the master", func(ctx context.Context) bool {
		flags, err := admin.Do(ctx, "sentinel", "get-master-addr-by-name", "weir").Slice()
		return err == nil && len(flags) == 2
	})
	return addr
}
