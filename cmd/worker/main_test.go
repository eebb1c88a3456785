package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/playlist"
)

// run calls the command like a shell. The environment has env and no other variables of the configuration.
func run(t *testing.T, env map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	clean(t, env)
	cli.QuietRedis()
	var out, errs bytes.Buffer
	status = cli.Main("worker", description, &grammar{}, args, cli.Streams{Out: &out, Err: &errs})
	return status, out.String(), errs.String()
}

// TestBadInput checks the error for wrong flags, variables and files: one line that names the mistake and the fix, and a status for scripts.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // to take a port
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	sample := file("sample.csv", string(playlist.Sample()))
	sim := map[string]string{"WEIR_UPSTREAM": "http://127.0.0.1:1"}
	with := func(name, value string) map[string]string {
		return map[string]string{"WEIR_UPSTREAM": "http://127.0.0.1:1", name: value}
	}

	locked, denied := miniredis.RunT(t), miniredis.RunT(t)
	locked.RequireAuth("another")
	denied.SetError("NOPERM this user has no permissions to run the 'evalsha' command")

	for name, c := range map[string]struct {
		env    map[string]string
		args   []string
		status int
		says   []string
	}{
		"no subcommand":       {nil, nil, cli.Usage, []string{"demo", "serve"}},
		"unknown flag":        {nil, []string{"demo", "--bogus"}, cli.Usage, []string{"--bogus", "--help"}},
		"rate zero":           {nil, []string{"demo", "--rate", "0"}, cli.Usage, []string{"rate", `"0"`, "above 0"}},
		"rate negative":       {nil, []string{"demo", "--rate=-1"}, cli.Usage, []string{"rate", "-1"}},
		"rate after a space":  {nil, []string{"demo", "--rate", "-1"}, cli.Usage, []string{"--rate (or WEIR_RATE): \"-1\": want a number of requests a second above 0"}},
		"slots not whole":     {nil, []string{"serve", "--slots", "1.5"}, cli.Usage, []string{"--slots (or WEIR_SLOTS) \"1.5\": want a whole number, 1 or more"}},
		"slots after a space": {nil, []string{"serve", "--slots", "-1"}, cli.Usage, []string{"--slots (or WEIR_SLOTS) -1: want 1 or more"}},
		"rate not a number":   {nil, []string{"demo", "--rate", "NaN"}, cli.Usage, []string{"rate", "NaN"}},
		"rate of no provider": {nil, []string{"demo", "--rate", "1e9"}, cli.Usage, []string{"1e+09", "0.001 to 1000000"}},
		"rate infinite":       {nil, []string{"serve", "--rate", "Inf"}, cli.Usage, []string{"rate", "Inf"}},
		"rate from the environment": {
			map[string]string{"WEIR_RATE": "abc"}, []string{"demo"}, cli.Usage, []string{"rate", "abc"},
		},
		"burst zero":              {nil, []string{"demo", "--burst", "0"}, cli.Usage, []string{"burst", "1 or more"}},
		"slots negative":          {nil, []string{"serve", "--slots=-1"}, cli.Usage, []string{"slots", "1 or more"}},
		"replicas zero":           {nil, []string{"demo", "--replicas", "0"}, cli.Usage, []string{"replicas", "1 to 256"}},
		"hold as JSON":            {nil, []string{"demo", "--hold", "--json"}, cli.Usage, []string{"hold"}},
		"too many tracks":         {nil, []string{"demo", "--tracks", "10001"}, cli.Usage, []string{"tracks", "10000"}},
		"no such scene":           {nil, []string{"demo", "--scene", "storm"}, cli.Usage, []string{"--scene", "throttled"}},
		"without a scene's calls": {nil, []string{"demo", "--scene", "tokens", "--without"}, cli.Usage, []string{"without", "budget"}},
		"without and held":        {nil, []string{"demo", "--without", "--hold"}, cli.Usage, []string{"without", "hold"}},
		"seconds of no scene":     {nil, []string{"demo", "--seconds", "5"}, cli.Usage, []string{"seconds", "budget"}},
		"seconds too short":       {nil, []string{"demo", "--scene", "tokens", "--seconds", "1.9"}, cli.Usage, []string{"seconds 1.9", "2 to 600"}},
		"seconds negative":        {nil, []string{"demo", "--scene", "tokens", "--seconds=-5"}, cli.Usage, []string{"seconds -5", "2 to 600"}},
		"seconds not a number":    {nil, []string{"demo", "--scene", "throttled", "--seconds", "NaN"}, cli.Usage, []string{"seconds NaN"}},
		"rate of a scene":         {nil, []string{"demo", "--scene", "throttled", "--rate", "5"}, cli.Usage, []string{"rate 5", "8 to 1000"}},
		"redis of a scene":        {with("REDIS_URL", "redis://:hunter2@127.0.0.1:1"), []string{"demo", "--scene", "tokens"}, cli.Failed, []string{"127.0.0.1:1", "REDIS_URL"}},
		"namespace with braces":   {nil, []string{"demo", "--namespace", "a{b}"}, cli.Usage, []string{"namespace", "braces"}},
		"redis url":               {with("REDIS_URL", "redis://:hunter2@host:port/x"), []string{"analyze", sample}, cli.Usage, []string{"REDIS_URL", "redis://"}},
		"redis url of the demo":   {with("REDIS_URL", "http://:hunter2@host"), []string{"demo"}, cli.Usage, []string{"REDIS_URL", "redis://"}},
		"redis not there":         {with("REDIS_URL", "redis://:hunter2@127.0.0.1:1"), []string{"analyze", sample}, cli.Failed, []string{"127.0.0.1:1", "REDIS_URL"}},
		"demo without its redis": {
			with("REDIS_URL", "redis://:hunter2@127.0.0.1:1"), []string{"demo"}, cli.Failed, []string{"127.0.0.1:1", "REDIS_URL"},
		},
		"redis password": {
			with("REDIS_URL", "redis://:hunter2@"+locked.Addr()), []string{"analyze", sample}, cli.Failed, []string{locked.Addr(), "refuses: WRONGPASS", "REDIS_URL"},
		},
		"redis permission": {
			with("REDIS_URL", "redis://"+denied.Addr()), []string{"demo"}, cli.Failed, []string{denied.Addr(), "refuses: NOPERM", "'evalsha'", "docs/operations.md"},
		},
		"port in use":            {sim, []string{"serve", "--addr", busy}, cli.Failed, []string{busy, "in use", "--addr"}},
		"port of the simulator":  {nil, []string{"upstream", "--addr", busy}, cli.Failed, []string{busy, "in use", "--addr"}},
		"simulator's rate":       {nil, []string{"upstream", "--rate", "NaN"}, cli.Usage, []string{"rate", "NaN"}},
		"simulator's window":     {nil, []string{"upstream", "--window", "40"}, cli.Usage, []string{"--window", "40/1s"}},
		"simulator's api":        {nil, []string{"upstream", "--api", "spotify"}, cli.Usage, []string{"--api", "spotify=10:5"}},
		"simulator's tokens":     {nil, []string{"upstream", "--input-tokens", "30000"}, cli.Usage, []string{"--input-tokens", "30000:30000"}},
		"simulator's token rate": {nil, []string{"upstream", "--output-tokens", "0:5"}, cli.Usage, []string{"output-tokens per minute is 0", "10000000"}},
		"simulator's charge":     {nil, []string{"upstream", "--charge", "never"}, cli.Usage, []string{"--charge", "start"}},
		"simulator's headers":    {nil, []string{"upstream", "--headers", "x-minutes"}, cli.Usage, []string{"x-minutes", "x-epoch"}},
		"simulator's wait":       {nil, []string{"upstream", "--retry-after", "spotify"}, cli.Usage, []string{"--retry-after", "spotify=24h"}},
		"simulator's change":     {nil, []string{"upstream", "--change", "30s=fast"}, cli.Usage, []string{"--change", "30s=20:20"}},
		"simulator's strangers":  {nil, []string{"upstream", "--strangers", "spotify"}, cli.Usage, []string{"--strangers", "spotify=5@10s-60s"}},
		"simulator's stretch":    {nil, []string{"upstream", "--stretch", "spotify=overloaded@10s"}, cli.Usage, []string{"stretch 0 fault", "unavailable"}},
		"simulator's only limit": {nil, []string{"upstream", "--rate", "0", "--burst", "0"}, cli.Usage, []string{"total rate is 0"}},
		"simulator's address":    {nil, []string{"upstream", "--addr", "9090"}, cli.Usage, []string{"--addr", "WEIR_UPSTREAM_ADDR", `"9090"`, "HOST:PORT"}},
		"address":                {sim, []string{"serve", "--addr", "99999999"}, cli.Usage, []string{"--addr", "99999999", "HOST:PORT"}},
		"port of an address":     {sim, []string{"serve", "--addr", "127.0.0.1:65536"}, cli.Usage, []string{"--addr", "65536"}},
		"address from the environment": {
			with("WEIR_ADDR", "nowhere"), []string{"serve"}, cli.Usage, []string{"WEIR_ADDR", "nowhere"},
		},
		"port":                      {with("PORT", "abc"), []string{"serve"}, cli.Usage, []string{"PORT", "abc"}},
		"port to ask":               {with("PORT", "-1"), []string{"healthcheck"}, cli.Usage, []string{"PORT", "-1"}},
		"beyond the machine":        {sim, []string{"serve", "--addr", ":0"}, cli.Usage, []string{":0", "WEIR_TOKEN", "--allow-anyone"}},
		"beyond the machine, IPv4":  {sim, []string{"serve", "--addr", "0.0.0.0:0"}, cli.Usage, []string{"0.0.0.0:0", "WEIR_TOKEN"}},
		"token":                     {with("WEIR_TOKEN", "hunter2"), []string{"serve"}, cli.Usage, []string{"WEIR_TOKEN", "16"}},
		"token with a space":        {with("WEIR_TOKEN", "hunter2 hunter2 hunter2"), []string{"serve"}, cli.Usage, []string{"WEIR_TOKEN", "spaces"}},
		"drain zero":                {sim, []string{"serve", "--drain", "0s"}, cli.Usage, []string{"--drain", "WEIR_DRAIN"}},
		"grace negative":            {with("WEIR_GRACE", "-1s"), []string{"serve"}, cli.Usage, []string{"--grace", "WEIR_GRACE"}},
		"upstream without a scheme": {nil, []string{"serve", "--upstream", "127.0.0.1:9191"}, cli.Usage, []string{"--upstream", "127.0.0.1:9191", "http://"}},
		"upstream from the environment": {
			map[string]string{"WEIR_UPSTREAM": "localhost"}, []string{"analyze", sample}, cli.Usage, []string{"WEIR_UPSTREAM", "localhost"},
		},
		"upstream with a password": {nil, []string{"serve", "--upstream", "http://me:hunter2@127.0.0.1:1"}, cli.Usage, []string{"--upstream", "user"}},
		"limit of no provider":     {sim, []string{"serve", "--api", "github=10:5"}, cli.Usage, []string{"--api", "github=10:5", "spotify"}},
		"limit of a provider":      {sim, []string{"serve", "--api", "spotify=10"}, cli.Usage, []string{"--api", "spotify=10:5"}},
		"limit from the environment": {
			with("WEIR_API", "spotify=10:5,lastfm=0/1s"), []string{"analyze", sample}, cli.Usage, []string{"WEIR_API", "lastfm=0/1s"},
		},
		"keys of a login": {
			map[string]string{"ANTHROPIC_API_KEY": "k", "LASTFM_API_KEY": "k", "SPOTIFY_CLIENT_ID": "i", "SPOTIFY_CLIENT_SECRET": "hunter2"},
			[]string{"analyze", sample},
			cli.Usage,
			[]string{"not set: SPOTIFY_REFRESH_TOKEN;"},
		},
		"no keys":                {nil, []string{"analyze", sample}, cli.Usage, []string{"ANTHROPIC_API_KEY", "--upstream"}},
		"simulator's url":        {nil, []string{"analyze", "--upstream", "ftp://x", sample}, cli.Usage, []string{"http"}},
		"no file":                {sim, []string{"analyze", filepath.Join(dir, "none.csv")}, cli.Failed, []string{"none.csv"}},
		"empty playlist":         {sim, []string{"analyze", file("empty.csv", "")}, cli.Failed, []string{"empty.csv"}},
		"playlist not UTF-8":     {sim, []string{"analyze", file("latin.csv", "Track URI,Track Name,Artist Name(s)\na,Caf\xe9,b\n")}, cli.Failed, []string{"latin.csv", "UTF-8"}},
		"playlist truncated":     {sim, []string{"analyze", file("cut.csv", "Track URI,Track Name,Artist Name(s)\na,\"b")}, cli.Failed, []string{"cut.csv"}},
		"playlist lacks columns": {sim, []string{"analyze", file("cols.csv", "Title\nx\n")}, cli.Failed, []string{"cols.csv", "Track Name"}},
		"several playlists": {
			sim,
			[]string{"analyze", file("two.csv", "Track name,Artist name,Playlist name\na,b,Morning\nc,d,Evening\n")},
			cli.Failed,
			[]string{"two.csv", "2 playlists", `"Morning", "Evening"`, "--playlist NAME"},
		},
		"another playlist": {sim, []string{"analyze", "--playlist", "Night", file("own.json", `{"name":"Morning","tracks":[{"name":"a"}]}`)}, cli.Failed, []string{"own.json", `"Morning"`}},
		"zip archive":      {sim, []string{"analyze", file("all.zip", "PK\x03\x04")}, cli.Failed, []string{"all.zip", "a zip archive", "unpack"}},
		"no server for healthcheck": {
			nil, []string{"healthcheck", "http://127.0.0.1:1/livez"}, cli.Failed, []string{"127.0.0.1:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := run(t, c.env, c.args...)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if stdout != "" {
				t.Errorf("stdout: %q", stdout)
			}
			line := strings.TrimSuffix(stderr, "\n")
			if strings.Contains(line, "\n") {
				t.Errorf("more than one line: %q", stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not say %q", stderr, want)
				}
			}
			for _, never := range []string{"hunter2", "goroutine ", ".go:"} {
				if strings.Contains(stderr, never) {
					t.Errorf("%q says %q", stderr, never)
				}
			}
		})
	}
}

// TestDemo runs a small and fast fleet with all of its parts: HTTP, streams, Redis, the simulator and the report.
func TestDemo(t *testing.T) {
	args := []string{"demo", "--replicas", "2", "--tracks", "8", "--rate", "200", "--burst", "20"}
	status, stdout, stderr := run(t, nil, append(args, "--json")...)
	if status != cli.OK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var s summary
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(&s); err != nil || in.More() {
		t.Fatalf("stdout is not one object: %v: %s", err, stdout)
	}
	calls := s.Calls["anthropic"] + s.Calls["spotify"] + s.Calls["lastfm"]
	if s.Replicas != 2 || s.Tasks == 0 || s.Tasks != calls || s.HTTP429 != 0 || s.Lost != 0 || s.Worst1s > s.Allowed1s || s.Allowed1s != 230 {
		t.Errorf("%+v", s)
	}

	status, stdout, stderr = run(t, nil, args...)
	if status != cli.OK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{"REPLICA", "anthropic", "the providers refused 0, no result was lost.", "Arrivals per 100 ms"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "REDIS_URL=redis://127.0.0.1:") {
		t.Errorf("stderr does not have the command that inspects the fleet: %s", stderr)
	}
	wantPlain(t, stdout+stderr)
}

// wantPlain checks a text for an output that is no terminal: no escape sequences, and at most 80 columns.
func wantPlain(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexAny(text, "\x1b\r\x08"); i >= 0 {
		t.Errorf("the text has a control character: %q", text[i:min(len(text), i+20)])
	}
	for line := range strings.Lines(text) {
		if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); w > 80 {
			t.Errorf("%d columns: %q", w, line)
		}
	}
}

// TestDemoSaysWhenItFailed checks that refused calls, lost tasks and failed analyses are errors.
func TestDemoSaysWhenItFailed(t *testing.T) {
	r := report{summary: summary{HTTP429: 3}}
	if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "refused 3 calls") {
		t.Errorf("refused calls: %v", err)
	}
	r = report{summary: summary{Lost: 1}}
	if r.verdict() == nil {
		t.Error("a lost task is no error")
	}
	r = report{failed: []string{"replica 1: no"}}
	if r.verdict() == nil {
		t.Error("a failed analysis is no error")
	}
	if err := (&report{}).verdict(); err != nil {
		t.Error(err)
	}
}
