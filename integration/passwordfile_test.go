package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestPasswordFile: the password of Redis changes and the connections of a replica end. The replica reads the new password from its file and
// works without a restart. If the file is of no use, the error names it. The test plays this with one server, a cluster and Sentinel.
func TestPasswordFile(t *testing.T) {
	c := buildCommands(t)
	for _, kind := range []string{"one server", "cluster", "Sentinel"} {
		t.Run(kind, func(t *testing.T) {
			args := []string{"--port", "%port"}
			if kind == "cluster" {
				args = append(args, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-announce-ip", "127.0.0.1")
			}
			addr := redisServer(t, args...)
			url := "redis://" + addr
			admin := node(t, addr)
			switch kind {
			case "cluster":
				url = "redis+cluster://" + addr
				if err := admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
					t.Fatal(err)
				}
			case "Sentinel":
				conf := filepath.Join(t.TempDir(), "sentinel.conf")
				put(t, conf, "sentinel monitor weir 127.0.0.1 "+portOf(t, addr)+" 1\nsentinel down-after-milliseconds weir 60000\n")
				url = "redis+sentinel://" + redisServer(t, conf, "--sentinel", "--port", "%port") + "/weir"
			}
			file := filepath.Join(t.TempDir(), "password")
			change := func(password string) {
				t.Helper()
				put(t, file, password+"\n")
				if err := admin.ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
					t.Fatal(err)
				}
				if err := admin.Do(t.Context(), "auth", password).Err(); err != nil {
					t.Fatal(err)
				}
			}
			// All commands use one connection, on which change has logged in.
			admin = redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1})
			defer admin.Close()
			change("hunter2")
			env := []string{"REDIS_URL=" + url}
			p := start(t, append(env, "WEIR_REDIS_PASSWORD_FILE="+file), c.worker, "serve", "--addr", "127.0.0.1:0", "--admin", "off", "--upstream", c.simulator)
			ok := func() {
				t.Helper()
				untilSays(t, p, "ok\n")
			}
			ok()

			change("hunter3")
			if err := admin.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "yes").Err(); err != nil {
				t.Fatal(err)
			}
			if status, last := c.events(t, env, "--redis-password-file", file); status != 0 {
				t.Errorf("inspect with the new password: status %d: %s", status, last)
			}
			if status, last := c.analyze(t, env, "--redis-password-file", file); status != 0 {
				t.Errorf("worker with the new password: status %d: %s", status, last)
			}
			ok()

			put(t, file, "hunter4\n")
			for _, says := range []string{"refuses: WRONGPASS", "--redis-password-file (or WEIR_REDIS_PASSWORD_FILE)"} {
				if status, last := c.events(t, env, "--redis-password-file", file); status != 3 || !strings.Contains(last, says) || strings.Contains(last, "hunter") {
					t.Errorf("another password: status %d, no %q: %s", status, says, last)
				}
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := admin.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "yes").Err(); err != nil {
				t.Fatal(err)
			}
			_ = untilReady(t, p.addr, http.StatusServiceUnavailable) // a replica that has just started has no share of the limit
			for reason := ""; !strings.Contains(reason, "--redis-password-file (or WEIR_REDIS_PASSWORD_FILE): "+file+" cannot be read"); {
				select {
				case reason = <-p.reasons:
				case <-p.read:
					t.Fatal("the replica has ended")
				}
			}
			put(t, file, "hunter3\n")
			ok()
			p.stop(t)
		})
	}
}

// untilSays waits until /readyz of a replica answers 200 with a text, such as "ok\n".
func untilSays(t *testing.T, p *process, text string) {
	t.Helper()
	last := ""
	for again, end := time.NewTicker(20*time.Millisecond), time.Now().Add(30*time.Second); time.Now().Before(end); <-again.C {
		if last = untilReady(t, p.addr, http.StatusOK); last == text {
			return
		}
	}
	t.Fatalf("the replica answers %q, want %q", last, text)
}

// TestWrongSecrets: a file that cannot be used at the start is a usage error (status 2). The message names the flag, the variable and the file,
// and shows no content of a file.
func TestWrongSecrets(t *testing.T) {
	c, s := buildCommands(t), newSecrets(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		put(t, filepath.Join(dir, name), text)
		return filepath.Join(dir, name)
	}
	none, empty, junk := filepath.Join(dir, "none"), file("empty", "\n"), file("junk", "hunter2")
	const secure, plain = "REDIS_URL=rediss://127.0.0.1:1", "REDIS_URL=redis://127.0.0.1:1"
	for _, row := range []struct {
		situation string
		env       []string
		says      []string
	}{
		{"authority without TLS", []string{plain, "WEIR_REDIS_CA=" + s.ours.file}, []string{"--redis-ca (or WEIR_REDIS_CA)", "rediss://"}},
		{"authority for a cluster without TLS", []string{"REDIS_URL=redis+cluster://127.0.0.1:1", "WEIR_REDIS_CA=" + s.ours.file}, []string{"--redis-ca", "rediss+cluster://"}},
		{"certificate without TLS", []string{plain, "WEIR_REDIS_CERT=" + s.client}, []string{"--redis-cert (or WEIR_REDIS_CERT)", "rediss://"}},
		{"no such authority", []string{secure, "WEIR_REDIS_CA=" + none}, []string{"--redis-ca", none, "cannot be read"}},
		{"authority is a folder", []string{secure, "WEIR_REDIS_CA=" + dir}, []string{"--redis-ca", dir, "cannot be read"}},
		{"authority is none", []string{secure, "WEIR_REDIS_CA=" + junk}, []string{"--redis-ca", junk, "no certificate"}},
		{"certificate without its key", []string{secure, "WEIR_REDIS_CERT=" + s.client}, []string{"--redis-cert", "set --redis-key"}},
		{"key without its certificate", []string{secure, "WEIR_REDIS_KEY=" + s.clientKey}, []string{"--redis-key", "set --redis-cert"}},
		{"no such certificate", []string{secure, "WEIR_REDIS_CERT=" + none, "WEIR_REDIS_KEY=" + s.clientKey}, []string{"--redis-cert", none}},
		{"no such key", []string{secure, "WEIR_REDIS_CERT=" + s.client, "WEIR_REDIS_KEY=" + none}, []string{"--redis-key", none}},
		{"certificate is none", []string{secure, "WEIR_REDIS_CERT=" + junk, "WEIR_REDIS_KEY=" + s.clientKey}, []string{"--redis-cert", junk}},
		{"key is none", []string{secure, "WEIR_REDIS_CERT=" + s.client, "WEIR_REDIS_KEY=" + junk}, []string{"--redis-key", junk}},
		{"key of another certificate", []string{secure, "WEIR_REDIS_CERT=" + s.client, "WEIR_REDIS_KEY=" + s.serverKey}, []string{"--redis-key", s.serverKey, "does not fit"}},
		{"no such password", []string{plain, "WEIR_REDIS_PASSWORD_FILE=" + none}, []string{"--redis-password-file (or WEIR_REDIS_PASSWORD_FILE)", none, "cannot be read"}},
		{"empty password", []string{plain, "WEIR_REDIS_PASSWORD_FILE=" + empty}, []string{"--redis-password-file", empty, "is empty"}},
		{"two passwords", []string{"REDIS_URL=redis://me:hunter2@127.0.0.1:1", "WEIR_REDIS_PASSWORD_FILE=" + junk}, []string{"--redis-password-file", "REDIS_URL contains a password"}},
		{"two passwords of a cluster", []string{"REDIS_URL=redis+cluster://me:hunter2@127.0.0.1:1", "WEIR_REDIS_PASSWORD_FILE=" + junk}, []string{"--redis-password-file", "REDIS_URL contains a password"}},
		{"two passwords of Sentinel", []string{"REDIS_URL=redis+sentinel://me:hunter2@127.0.0.1:1/weir", "WEIR_REDIS_PASSWORD_FILE=" + junk}, []string{"--redis-password-file", "REDIS_URL contains a password"}},
	} {
		looked, look := c.events(t, row.env)
		worked, work := c.analyze(t, row.env)
		t.Logf("%-35s %s", row.situation, work)
		if looked != 2 || worked != 2 {
			t.Errorf("%s: inspect %d, worker %d, want 2", row.situation, looked, worked)
		}
		for _, says := range row.says {
			if !strings.Contains(look, says) || !strings.Contains(work, says) || strings.Contains(look+work, "hunter2") {
				t.Errorf("%s: inspect printed %q, worker printed %q; want %q in both, and no password", row.situation, look, work, says)
			}
		}
	}
}
