package integration

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsWithSentinel: inspect, serve and analyze find the master that a Sentinel names. After a failover they find the new master;
// serve needs no restart for that.
func TestCommandsWithSentinel(t *testing.T) {
	c := buildCommands(t)
	first := redisServer(t, "--port", "%port", "--repl-diskless-sync-delay", "0")
	second := redisServer(t, "--port", "%port", "--replicaof", "127.0.0.1 "+portOf(t, first))
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	put(t, conf, "sentinel monitor weir 127.0.0.1 "+portOf(t, first)+" 1\nsentinel down-after-milliseconds weir 1000\nsentinel failover-timeout weir 5000\n")
	sentinel := redisServer(t, conf, "--sentinel", "--port", "%port")
	admin := node(t, sentinel)
	until(t, "Sentinel knows the replica", func(ctx context.Context) bool {
		all, err := admin.Do(ctx, "sentinel", "replicas", "weir").Slice()
		if err != nil || len(all) != 1 {
			return false
		}
		facts, ok := all[0].(map[any]any)
		return ok && facts["flags"] == "slave" && facts["master-link-status"] == "ok"
	})
	env := []string{"REDIS_URL=redis+sentinel://" + sentinel + "/weir"}
	p := start(t, env, c.worker, "serve", "--addr", "127.0.0.1:0", "--admin", "off", "--upstream", c.simulator)
	works := func(when, master string) {
		t.Helper()
		untilSays(t, p, "ok\n")
		status, out, last := c.run(t, env, c.inspect, "show", "-o", "json")
		if status != 0 || !strings.Contains(out, `"state":"up"`) {
			t.Errorf("%s, inspect show: status %d: %s%.500s", when, status, last, out)
		}
		if status, last = c.analyze(t, env); status != 0 {
			t.Errorf("%s, worker analyze: status %d: %s", when, status, last)
		}
		if n, err := node(t, master).Exists(t.Context(), "{weir}:state").Result(); err != nil || n != 1 {
			t.Errorf("%s, the fleet has no state on %s: %v", when, master, err)
		}
	}
	works("before the failover", first)
	_ = node(t, first).ShutdownNoSave(t.Context()).Err() // the server closes the connection instead of replying
	until(t, "Sentinel names the other server", func(ctx context.Context) bool {
		at, err := admin.Do(ctx, "sentinel", "get-master-addr-by-name", "weir").StringSlice()
		return err == nil && len(at) == 2 && at[1] == portOf(t, second)
	})
	until(t, "the other server is the master", func(ctx context.Context) bool {
		text, err := node(t, second).Info(ctx, "replication").Result()
		return err == nil && strings.Contains(text, "role:master")
	})
	works("after the failover", second)
	p.stop(t)
}
