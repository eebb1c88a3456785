package browser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPictureOfThePage writes the pictures of the documents to the folder that WEIR_SCREENSHOTS names:
//
//	WEIR_SCREENSHOTS="$PWD/docs/pictures" go -C browser test -count=1 -run PictureOfThePage ./...
//
// They show the fleet of the demo after a minute, with a bucket that was paused.
func TestPictureOfThePage(t *testing.T) {
	if os.Getenv("WEIR_SCREENSHOTS") == "" {
		t.Skip("WEIR_SCREENSHOTS names no folder: this test only makes pictures, and takes a minute")
	}
	redis, inspect := busyDemo(t), buildInspect(t)
	s := serveInspect(t, inspect, redis, "127.0.0.1:0")
	p := openTab(t)
	do(t, p, chromedp.EmulateViewport(820, 640), chromedp.Navigate(s.url))
	p.await(t, isLive)
	p.await(t, `performance.now() > 48_000`)
	pause := exec.CommandContext(t.Context(), inspect, "pause", "spotify", "--namespace", "shop", "--for", "10m", "--write", "--yes")
	pause.Env = append(os.Environ(), "REDIS_URL=redis://"+redis)
	if out, err := pause.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.await(t, `performance.now() > 52_000 && document.getElementById("warnings").innerText.includes("bucket spotify: paused for")`)
	for _, scheme := range []string{"light", "dark"} {
		p.colours(t, scheme)
		p.picture(t, scheme)
	}
}

// busyDemo runs the fleet of the demo until the test ends, and returns the address of its Redis.
func busyDemo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker")
	if out, err := exec.CommandContext(t.Context(), "go", "-C", "..", "build", "-o", path, "./cmd/worker").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	demo := exec.CommandContext(context.WithoutCancel(t.Context()), path, "demo", "--hold", "--namespace", "shop")
	demo.Env = append(os.Environ(), "REDIS_URL=")
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	line, err := in.ReadString('\n')
	t.Cleanup(func() {
		_ = demo.Process.Signal(syscall.SIGINT)
		_, _ = io.Copy(io.Discard, in)
		_ = demo.Wait() // other tests check how the demo ends
	})
	redis := regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:\d+`).FindString(line)
	if err != nil || redis == "" {
		t.Fatal(fmt.Errorf("the demo has written %q: %w", line, err))
	}
	return redis
}
