package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/fleet"
)

// user is a Redis user that a command of docs/operations.md creates.
type user struct {
	name, password, keys string
	commands             []string
}

// documentedUser reads the command of docs/operations.md that creates a user. It fails the test if the command grants a permission that this
// test does not know.
func documentedUser(t *testing.T, name string) user {
	t.Helper()
	readme, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "\nredis-cli ACL SETUSER "+name+" reset on ")
	line, _, end := strings.Cut(strings.ReplaceAll(rest, "\\\n", " "), "\n")
	if !ok || !end {
		t.Fatalf("docs/operations.md does not create the user %s", name)
	}
	u := user{name: name}
	for word := range strings.FieldsSeq(line) {
		word = strings.Trim(word, "'")
		switch {
		case strings.HasPrefix(word, ">") && u.password == "":
			u.password = word[1:]
		case strings.Contains(word, "~") && u.keys == "":
			u.keys = word
		case strings.HasPrefix(word, "+") && !strings.HasPrefix(word, "+@"):
			u.commands = append(u.commands, word[1:])
		default:
			t.Fatalf("the user %s of docs/operations.md has %q, which this test does not know", name, word)
		}
	}
	return u
}

// without returns the same user without a command.
func (u user) without(command string) user {
	u.commands = slices.DeleteFunc(slices.Clone(u.commands), func(c string) bool { return c == command })
	return u
}

// create deletes the user, if it exists, and creates it again. Redis disconnects the clients of a deleted user.
func (u user) create(t *testing.T, admin *redis.Client) {
	t.Helper()
	if err := admin.Do(t.Context(), "acl", "deluser", u.name).Err(); err != nil {
		t.Fatal(err)
	}
	words := []any{"acl", "setuser", u.name, "reset", "on", ">" + u.password, u.keys}
	for _, c := range u.commands {
		words = append(words, "+"+c)
	}
	if err := admin.Do(t.Context(), words...).Err(); err != nil {
		t.Fatal(err)
	}
}

// url returns the REDIS_URL of the user.
func (u user) url(admin *redis.Client) string {
	return "unix://" + url.UserPassword(u.name, u.password).String() + "@" + admin.Options().Addr
}

// client returns a client that is logged in as the user.
func (u user) client(t *testing.T, admin *redis.Client) *redis.Client {
	t.Helper()
	o := *admin.Options()
	o.Username, o.Password, o.MaxRetries, o.ContextTimeoutEnabled = u.name, u.password, -1, true
	rdb := redis.NewClient(&o)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// denied reports whether Redis denied a command to a user, sent by the client or called by a script. Versions of Redis differ in the text.
func denied(err error) bool {
	reply, ok := errors.AsType[redis.Error](err)
	return ok && deniedText(reply.Error())
}

func deniedText(text string) bool {
	return strings.Contains(text, "NOPERM") || strings.Contains(text, "The user executing the script can't") || strings.Contains(text, "ACL failure in script")
}

// TestDocumentedUsers: the users of docs/operations.md have enough permissions for the limiter, the worker and inspect. Without any one of the
// allowed commands, except the optional INFO, a call is denied.
func TestDocumentedUsers(t *testing.T) {
	admin := limitertest.Server(t)
	w, i, o := documentedUser(t, "weir-worker"), documentedUser(t, "weir-inspect"), documentedUser(t, "weir-operator")
	worker, inspect := build(t, "worker"), build(t, "inspect")
	w.create(t, admin)
	i.create(t, admin)
	o.create(t, admin)

	if err := useAll(t, w, admin); err != nil {
		t.Errorf("the limiter as %s: %v", w.name, err)
	}
	t.Run("commands", func(t *testing.T) { runCommands(t, admin, w, i, o, worker, inspect) })
	t.Run("nothing else", func(t *testing.T) { tryMore(t, admin, w, i) })
	refusals, err := admin.Do(t.Context(), "acl", "log").Slice()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refusals {
		if text := fmt.Sprint(r); !strings.Contains(text, "client|setinfo") {
			t.Errorf("Redis denied a command: %s", text)
		}
	}
	t.Run("no less for the worker", func(t *testing.T) {
		for _, c := range w.commands {
			if c == "info" { // optional: without it, the limiter does not warn about settings of Redis
				continue
			}
			w.without(c).create(t, admin)
			err := useAll(t, w, admin)
			if err == nil || !denied(err) {
				t.Errorf("without %s: error %v, want one that says that a call is denied", c, err)
				continue
			}
			t.Logf("without %s: %v", c, err)
		}
		w.create(t, admin)
	})
	t.Run("no less for inspect", func(t *testing.T) {
		if err := useAll(t, w, admin); err != nil { // inspect needs a replica to show
			t.Fatal(err)
		}
		for _, c := range i.commands {
			i.without(c).create(t, admin)
			args := []string{"--json"}
			switch c {
			case "info": // optional: without it, inspect shows the rest
				continue
			case "xrevrange":
				args = []string{"events"}
			}
			status, stderr := execute(t, inspect, []string{"REDIS_URL=" + i.url(admin)}, args...)
			if status != 3 || !strings.Contains(stderr, "refuses: NOPERM") {
				t.Errorf("without %s: status %d, stderr %q, want status 3 and the reason", c, status, stderr)
				continue
			}
			t.Logf("without %s: %s", c, stderr)
		}
		i.create(t, admin)
	})
	t.Run("no less for the operator", func(t *testing.T) {
		for _, c := range o.commands {
			if err := useAll(t, w, admin); err != nil { // the operator needs a bucket to pause
				t.Fatal(err)
			}
			o.without(c).create(t, admin)
			if c == "zadd" {
				continue // only needed if this call finds a window whose starts Redis has lost
			}
			err := operate(t, o.client(t, admin), admin)
			if err == nil || !denied(err) {
				t.Errorf("without %s: error %v, want one that says that a call is denied", c, err)
			}
		}
		o.create(t, admin)
	})
	t.Run("reasons", func(t *testing.T) { seeReasons(t, admin, w, i, worker, inspect) })
}

// useAll calls useClient as a user, on an empty Redis without scripts.
func useAll(t *testing.T, u user, admin *redis.Client) error {
	t.Helper()
	if err := errors.Join(admin.FlushAll(t.Context()).Err(), admin.ScriptFlush(t.Context()).Err()); err != nil {
		t.Fatal(err)
	}
	return useClient(t, u.client(t, admin), admin)
}

// useClient uses the limiter and the heartbeat in every way that needs another command of Redis. It returns the first error.
func useClient(t *testing.T, rdb, admin redis.UniversalClient) error {
	t.Helper()
	ctx, keys := t.Context(), lua.Keys("weir")
	config := limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"global": {limiter.PerSecond(1000, 100)}, "slow": {{Tokens: 1, Per: 10 * time.Second, Burst: 1}},
			"brisk": {limiter.PerSecond(40, 1)}, "window": {limiter.PerWindow(2, 20*time.Millisecond)},
		},
		Routes: map[string][]string{},
	}
	const lanes = 20
	for n := range lanes {
		config.Routes[fmt.Sprint("slow-", n)] = []string{"slow"}
	}
	l, err := limiter.New(ctx, rdb, config)
	if err != nil {
		return err
	}
	defer func() {
		if err := l.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	for _, err := range []error{
		l.Wait(ctx, "global"),
		l.Wait(ctx, "global", limiter.Urgent()),
		l.AddRoute("tenant", limiter.Bucket{Name: "tenant", Limits: []limiter.Limit{limiter.PerSecond(100, 10)}}, limiter.Bucket{Name: "global"}),
		l.Wait(ctx, "tenant"),
	} {
		if err != nil {
			return err
		}
	}
	for range 6 { // the starts at the beginning no longer count at the end
		if err := l.Wait(ctx, "window"); err != nil {
			return err
		}
	}
	for n := range lanes { // a line so long that one request counts only a part of it
		if _, _, err := l.ReserveBatch(ctx, fmt.Sprint("slow-", n), limiter.Run{N: 1}); err != nil {
			return err
		}
	}
	// A lane in line that asks again when its turn is near.
	if _, _, err := l.ReserveBatch(ctx, "brisk", limiter.Run{N: 12}); err != nil {
		return err
	}
	if err := l.Wait(ctx, "brisk"); err != nil {
		return err
	}
	// Not all reservations that are returned one by one can go back into the bucket. Redis keeps the others for the next requests.
	for range 2 {
		got, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 200})
		if err != nil {
			return err
		}
		for _, r := range got {
			r.Cancel()
		}
	}
	for _, err := range []error{
		l.Pause(ctx, "global", time.Minute), l.Resume(ctx, "global"),
		l.Configure(ctx, "global", limiter.PerSecond(2000, 100)), l.Configure(ctx, "global"),
	} {
		if err != nil {
			return err
		}
	}
	// Another program has written keys of the namespace: a record that cannot be read, and a key of another type.
	if err := cmp.Or(admin.HSet(ctx, keys.Wishes(), "damaged", "damaged").Err(), admin.Del(ctx, keys.Live()).Err(),
		admin.Set(ctx, keys.Live(), "damaged", 0).Err()); err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(ctx, "global"); err != nil {
		return err
	}
	if _, err := l.Snapshot(ctx); err != nil {
		return err
	}
	text := []byte(`{"v":1,"id":"replica"}`)
	_, err = lua.Heartbeat(ctx, rdb, keys, "replica", text, time.Minute, time.Minute)
	return err
}

// runCommands runs the worker and inspect as their users.
func runCommands(t *testing.T, admin *redis.Client, w, i, o user, worker, inspect string) {
	t.Helper()
	if err := admin.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	env := []string{"REDIS_URL=" + w.url(admin), "WEIR_UPSTREAM=http://127.0.0.1:1"}
	if status, stderr := execute(t, worker, env, "demo", "--replicas", "2", "--tracks", "8", "--rate", "200", "--burst", "20", "--json"); status != 0 {
		t.Errorf("worker demo: status %d: %s", status, stderr)
	}
	replica := start(t, env, worker, "serve", "--addr", "127.0.0.1:0")
	if text := untilReady(t, replica.addr, http.StatusOK); text != "ok\n" {
		t.Errorf("a replica that is ready answers %q", text)
	}
	reader, again := i.client(t, admin), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for seen := 0; seen == 0; <-again.C { // a replica publishes its record only after it is ready
		f, err := fleet.Read(t.Context(), reader, "weir")
		if err != nil {
			t.Fatal(err)
		}
		seen = len(f.Replicas)
	}
	for _, args := range [][]string{
		{}, {"-o", "wide"}, {"-o", "json"}, {"-o", "jsonl"}, {"-o", "prom"}, {"why", "lastfm", "global"}, {"why", "lastfm", "--json"}, {"check", "--fail-if", "lost>0"}, {"events"},
	} {
		if status, stderr := execute(t, inspect, []string{"REDIS_URL=" + i.url(admin)}, args...); status != 0 {
			t.Errorf("inspect %v: status %d: %s", args, status, stderr)
		}
	}
	if status, stderr := execute(t, inspect, []string{"REDIS_URL=" + i.url(admin)}, "pause", "global", "--write", "--yes"); status != 3 || !strings.Contains(stderr, "refuses: NOPERM") {
		t.Errorf("inspect pause as %s: status %d, stderr %q, want status 3 and NOPERM", i.name, status, stderr)
	}
	for _, args := range [][]string{{"pause", "global", "--for", "1s"}, {"resume", "global"}, {"limit", "global", "100/s"}, {"limit", "global"}, {"restore", "global", "20"}, {"unlearn", "global"}, {"shadow", "as-configured"}} {
		if status, stderr := execute(t, inspect, []string{"REDIS_URL=" + o.url(admin)}, append(args, "--write", "--yes")...); status != 0 {
			t.Errorf("inspect %v: status %d: %s", args, status, stderr)
		}
	}
	replica.stop(t)
	if left := admin.ZCard(t.Context(), lua.Keys("weir").Replicas()).Val(); left != 0 {
		t.Errorf("%d replicas are listed after the only one has ended", left)
	}
}

// operate makes each kind of change that an operator may make. It returns the first error.
func operate(t *testing.T, rdb redis.UniversalClient, admin *redis.Client) error {
	t.Helper()
	o, err := limiter.NewOperator(rdb, "weir", "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, keys := t.Context(), lua.Keys("weir")
	if err := cmp.Or(admin.ScriptFlush(ctx).Err(), admin.HSet(ctx, keys.Wishes(), "damaged", "damaged").Err(),
		admin.ZAdd(ctx, keys.Replicas(), redis.Z{Score: float64(time.Now().Add(-30 * time.Second).UnixMilli()), Member: "dead"}).Err()); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		o.Pause(ctx, "global", time.Minute), o.Resume(ctx, "global"), o.Configure(ctx, "global", limiter.PerSecond(2000, 100)), o.Configure(ctx, "global"),
		o.Restore(ctx, "slow", 1), o.Unlearn(ctx, "slow"), o.Shadow(ctx, limiter.ShadowAsConfigured), o.Drain(ctx, "replica"), o.Forget(ctx, "dead"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// tryMore checks that neither user can run a command that it does not need. The user of inspect cannot write to its keys even with a command
// that writes.
func tryMore(t *testing.T, admin *redis.Client, w, i user) {
	t.Helper()
	ctx, state := t.Context(), lua.Keys("weir").State()
	sha := admin.ScriptLoad(ctx, "return redis.call('SET', KEYS[1], 1)").Val()
	try := func(u user, words ...any) {
		t.Helper()
		if err := u.client(t, admin).Do(ctx, words...).Err(); !denied(err) {
			t.Errorf("%v as %s: error %v, want that it is denied", words, u.name, err)
		}
	}
	for _, u := range []user{w, i} {
		try(u, "hgetall", "{other}:state")
		try(u, "hgetall", "weir")
		for _, words := range [][]any{{"flushall"}, {"config", "get", "*"}, {"keys", "*"}, {"scan", "0"}, {"script", "flush"}, {"acl", "list"}, {"monitor"}} {
			try(u, words...)
		}
	}
	try(w, "evalsha", sha, 1, "{other}:state")
	try(i, "set", state, 1)
	try(i, "del", state)
	try(i, "hset", state, "epoch", "x")
	try(i, "evalsha", sha, 1, state)
	try(i, "eval", "return 1", 0)
	writer := i
	writer.name, writer.commands = "weir-writer", slices.Concat(i.commands, []string{"set", "evalsha"})
	writer.create(t, admin)
	try(writer, "set", state, 1)
	try(writer, "evalsha", sha, 1, state)
	if err := admin.Do(ctx, "acl", "log", "reset").Err(); err != nil {
		t.Fatal(err)
	}
}

// seeReasons checks that worker and inspect print the error that Redis replied, and no password.
func seeReasons(t *testing.T, admin *redis.Client, w, i user, worker, inspect string) {
	t.Helper()
	sim := "WEIR_UPSTREAM=http://127.0.0.1:1"
	wrong := func(u user) []string {
		u.password = "hunter2"
		return []string{"REDIS_URL=" + u.url(admin), sim}
	}
	right := func(u user) []string { return []string{"REDIS_URL=" + u.url(admin), sim} }
	see := func(status int, reason, binary string, env []string, args ...string) {
		t.Helper()
		got, stderr := execute(t, binary, env, args...)
		for _, never := range []string{"hunter2", w.password, i.password, "does not answer"} {
			if strings.Contains(stderr, never) {
				t.Errorf("%v prints %q: %s", args, never, stderr)
			}
		}
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n") // the earlier lines show the progress of an analysis
		last := lines[len(lines)-1]
		if got != status || !strings.Contains(last, " refuses: "+reason) || strings.Count(stderr, "refuses") != 1 || reason == "" && !deniedText(last) {
			t.Errorf("%v: status %d, want %d, and the reason %s only in the last line: %s", args, got, status, reason, stderr)
		}
	}
	demo, analyze := []string{"demo", "--replicas", "1"}, []string{"analyze", "../worker/playlist/sample.csv"}
	see(3, "WRONGPASS", inspect, wrong(i))
	see(1, "WRONGPASS", worker, wrong(w), demo...)
	see(1, "WRONGPASS", worker, wrong(w), analyze...)
	see(1, "NOPERM", worker, right(i), demo...)
	see(1, "NOPERM", worker, right(i), analyze...)
	w.without("hdel").without("hset").create(t, admin)
	see(1, "", worker, right(w), demo...)
	w.without("hget").create(t, admin) // limiter.New succeeds, and Redis refuses the first call
	see(1, "", worker, right(w), analyze...)
	w.without("evalsha").create(t, admin)
	replica := start(t, right(w), worker, "serve", "--addr", "127.0.0.1:0")
	if reason := <-replica.reasons; !strings.Contains(reason, "redis refuses: NOPERM") {
		t.Errorf("a replica that Redis refuses logs %q", reason)
	}
	if text := untilReady(t, replica.addr, http.StatusServiceUnavailable); text != "unavailable\n" {
		t.Errorf("a replica that Redis refuses answers %q", text)
	}
	w.create(t, admin) // the replica works as soon as its user has the permission
	untilReady(t, replica.addr, http.StatusOK)
	replica.stop(t)
}

// execute runs a command to its end, for a minute at most. It returns the exit status and what the command wrote to stderr.
func execute(t *testing.T, binary string, env []string, args ...string) (status int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var errs strings.Builder
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

// untilReady requests /readyz of a replica until the answer has the given status, and returns the text of that answer.
func untilReady(t *testing.T, addr string, status int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for ; ; <-again.C {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == status {
			return string(text)
		}
	}
}
