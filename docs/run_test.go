package docs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// statuses are the exit statuses other than 0 with which a command of a document may end.
var statuses = map[string]int{
	"go run ./cmd/worker analyze worker/playlist/sample.csv": 2, // it needs keys of the real providers
}

// endless are commands that run until they are interrupted.
var endless = []string{"inspect serve", "inspect --watch 2s"}

// run runs commands as a reader does, beside a replica, a simulator and a Redis. It replaces the addresses of the documents by theirs.
func run(t *testing.T, all []command) {
	t.Helper()
	dir := t.TempDir()
	runGo(t, "..", "build", "-o", dir, "./cmd/worker", "./cmd/inspect")
	redis := miniredis.RunT(t)
	env := append(os.Environ(), "REDIS_URL=redis://"+redis.Addr(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	serving(t, env, "worker", "upstream", "--slack", "0", "--addr", "127.0.0.1:0") // promises.md has this one
	simulator := serving(t, env, "worker", "upstream", "--addr", "127.0.0.1:0")
	admin := free(t)
	replica := serving(t, env, "worker", "serve", "--upstream", "http://"+simulator, "--addr", "127.0.0.1:0", "--admin", admin, "--api", "anthropic-input=1000:30000") // a limit that takes long to fill, for inspect restore
	analyse(t, replica)                                                                                                                                                // a namespace that nobody has used cannot be changed
	moved := strings.NewReplacer("127.0.0.1:9090", simulator, "127.0.0.1:8080", replica, "127.0.0.1:9464", admin, "curl ", "curl -fsS ",
		"go run ./cmd/worker", "worker", "go run ./cmd/inspect", "inspect", "redis-cli ", "redis-cli -p "+redis.Port()+" ")
	for _, c := range all {
		t.Run(c.at+"_"+strings.ReplaceAll(c.text, " ", "_"), func(t *testing.T) {
			shown := c.text
			if regexp.MustCompile(`^inspect (pause|resume|limit|shadow|restore|drain|forget|unlearn|--write)`).MatchString(shown) {
				if shown = withValues(shown); !strings.Contains(shown, "--write") {
					shown += " --help" // the document only names the command
				} else {
					shown += " --yes"
				}
			}
			if tool := words(shown)[0]; tool == "redis-cli" || tool == "curl" {
				if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "" {
					t.Fatalf("CI is set, so this command must run: %v", err)
				} else if err != nil {
					t.Skipf("%s is not on the PATH", tool)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+moved.Replace(shown)) //nolint:gosec // of a document of this repository
			if strings.Contains(shown, "=") && strings.Index(shown, "=") < strings.Index(shown, " ") {
				cmd = exec.CommandContext(ctx, "sh", "-c", moved.Replace(shown)) //nolint:gosec // begins with a variable
			}
			cmd.Dir, cmd.Env = c.dir, env
			if said := words(shown); len(said) > 3 && said[0] == "inspect" && said[1] == "pause" && said[3] != "--help" {
				defer func() { // so that later commands find a fleet that works
					resume := exec.CommandContext(ctx, filepath.Join(dir, "inspect"), "resume", said[2], "--write", "--yes") //nolint:gosec // of a document of this repository
					resume.Env = env
					if out, err := resume.CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
				}()
			}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(endless, c.text) {
				_ = cmd.Process.Signal(syscall.SIGINT) // it may not listen yet, but it ends
			}
			err := cmd.Wait()
			exit, ended := errors.AsType[*exec.ExitError](err)
			switch {
			case err == nil:
			case ended && exit.ExitCode() == statuses[c.text] && exit.ExitCode() > 0:
			case ended && slices.Contains(endless, c.text):
			default:
				t.Errorf("%s: %v\n%s", moved.Replace(shown), err, out.String())
			}
		})
	}
}

// analyse waits until a replica is ready and has it analyse a playlist.
func analyse(t *testing.T, replica string) {
	t.Helper()
	playlist, err := os.ReadFile("../worker/playlist/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for retry := time.NewTicker(50 * time.Millisecond); ; <-retry.C {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+replica+"/v1/playlists/analyze", bytes.NewReader(playlist))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/csv")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusServiceUnavailable { // not ready yet
			return
		}
	}
}

// withValues replaces the words in capitals of a document by values.
func withValues(text string) string {
	return strings.NewReplacer("BUCKET", "anthropic-input", "TOKENS", "10").Replace(text)
}

// free returns an address on which nothing listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serving starts a command and returns the address that its log names. When the test ends, serving interrupts the command.
func serving(t *testing.T, env []string, args ...string) string {
	t.Helper()
	path := ""
	for _, e := range env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok {
			path, _, _ = strings.Cut(p, string(os.PathListSeparator))
		}
	}
	cmd := exec.Command(filepath.Join(path, args[0]), args[1:]...) //nolint:gosec,noctx // built here, interrupted at the end
	cmd.Env = env
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-read
		_ = cmd.Wait()
	})
	at := make(chan string, 1)
	go func() {
		defer close(read)
		defer close(at)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Addr != "" {
				select {
				case at <- line.Addr:
				default:
				}
			}
		}
	}()
	addr := <-at
	if addr == "" {
		t.Fatalf("%v ended before it listened", args)
	}
	return addr
}
