package main

import (
	"bufio"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v3"
)

// TestKubernetesRedis runs the command of redis.yaml. Its Redis has to accept the password of the Secret and no other. The password must not be an
// argument, because a list of processes shows arguments.
func TestKubernetesRedis(t *testing.T) {
	installed(t, "redis-server", "redis-server")
	var set struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Command, Args []string }
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, kubernetes+"redis.yaml")), &set); err != nil {
		t.Fatal(err)
	}
	const password = "a-password-of-a-secret"
	c, socket := set.Spec.Template.Spec.Containers[0], t.TempDir()+"/s"
	for line := range strings.Lines(c.Args[0]) {
		if strings.Contains(line, "exec ") && strings.Contains(line, "REDISCLI_AUTH") {
			t.Errorf("a list of processes shows the password: %s", line)
		}
	}
	script := strings.Replace(c.Args[0], "--dir /data", "--dir "+t.TempDir()+" --port 0 --unixsocket "+socket, 1)
	cmd := exec.CommandContext(t.Context(), c.Command[0], append(c.Command[1:], script)...) //nolint:gosec // from this repository
	cmd.Env = append(cmd.Environ(), "REDISCLI_AUTH="+password)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	log, ready := "", false
	for in := bufio.NewScanner(out); !ready && in.Scan(); {
		log += in.Text() + "\n"
		ready = strings.Contains(in.Text(), "eady to accept connections")
	}
	if !ready {
		t.Fatalf("Redis ended:\n%s", log)
	}
	client := func(password string) *redis.Client {
		rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, Password: password, MaxRetries: -1})
		t.Cleanup(func() { _ = rdb.Close() })
		return rdb
	}
	right := client(password)
	for setting, want := range map[string]string{"appendonly": "yes", "maxmemory-policy": "noeviction"} {
		if got, err := right.ConfigGet(t.Context(), setting).Result(); err != nil || got[setting] != want {
			t.Errorf("%s is %v, %v", setting, got, err)
		}
	}
	for _, wrong := range []string{"", "another"} {
		if err := client(wrong).Get(t.Context(), "k").Err(); err == nil || errors.Is(err, redis.Nil) {
			t.Errorf("Redis accepts the password %q", wrong)
		}
	}
}
