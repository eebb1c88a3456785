package browser

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-go/weir/limiter"
)

// inspect is a running inspect serve.
type inspect struct {
	*exec.Cmd
	url    string
	stderr strings.Builder
	read   sync.WaitGroup
}

// buildInspect builds the command.
func buildInspect(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inspect")
	if out, err := exec.CommandContext(t.Context(), "go", "-C", "..", "build", "-o", path, "./cmd/inspect").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func serveInspect(t *testing.T, path, redis, addr string, env ...string) *inspect {
	t.Helper()
	s := &inspect{Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), path, "serve", "--addr", addr, "--namespace", "shop", "--interval", "500ms", "--stale", "3s", "--timeout", "1s")}
	s.Env = append(append(os.Environ(), "REDIS_URL=redis://"+redis, "WEIR_TOKEN="), env...)
	errs, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(errs)
	line, err := in.ReadString('\n')
	if s.url = regexp.MustCompile(`http://\S+`).FindString(line); err != nil || s.url == "" {
		t.Fatalf("%q, %v", line, err)
	}
	s.read.Go(func() { _, _ = io.Copy(&s.stderr, in) })
	t.Cleanup(func() { s.end(t) })
	return s
}

// end sends SIGTERM, and fails the test if the command does not end in order.
func (s *inspect) end(t *testing.T) {
	t.Helper()
	if s.ProcessState != nil {
		return
	}
	_ = s.Process.Signal(syscall.SIGTERM)
	s.read.Wait()
	if err := s.Wait(); err != nil || s.stderr.Len() > 0 {
		t.Errorf("the command ended with %v: %s", err, s.stderr.String())
	}
}

// tab is a page in the browser.
type tab struct {
	ctx       context.Context
	listening sync.WaitGroup
	mu        sync.Mutex
	console   []string // errors and warnings
}

func openTab(t *testing.T) *tab {
	t.Helper()
	p := &tab{ctx: chromium(t)}
	do(t, p, chromedp.EmulateViewport(1440, 900))
	messages := chromedp.Console(p.ctx)
	p.listening.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning {
				p.mu.Lock()
				p.console = append(p.console, m.String())
				p.mu.Unlock()
			}
		}
	})
	return p
}

func do(t *testing.T, p *tab, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, p *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await waits until an expression is true. The driver's own wait evaluates a text as code, which the policy of the page forbids.
func (p *tab) await(t *testing.T, expression string) {
	t.Helper()
	until := time.Now().Add(time.Minute)
	for again := time.NewTicker(50 * time.Millisecond); !eval[bool](t, p, expression); <-again.C {
		if time.Now().After(until) {
			t.Fatalf("%s is false; the page:\n%s", expression, eval[string](t, p, "document.body.dataset.state + '\\n' + document.body.innerText"))
		}
	}
}

// press presses keys one after the other. As on a keyboard, a key that the page handles types nothing. The driver's own keys would type it.
func (p *tab) press(t *testing.T, keys string) {
	t.Helper()
	for _, key := range keys {
		down := *kb.Encode(key)[0]
		up := down
		down.Type, up.Type = input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp
		if key >= ' ' || key == '\r' {
			down.Text = string(key)
		}
		for _, e := range []input.DispatchKeyEventParams{down, up} {
			if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (p *tab) colours(t *testing.T, scheme string) {
	t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err != nil {
		t.Fatal(err)
	}
}

// picture writes a screenshot to the folder that WEIR_SCREENSHOTS names.
func (p *tab) picture(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("WEIR_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "page-"+name+".png"), png, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const (
	isLive    = `document.body.dataset.state === "live"`
	isStale   = `document.body.dataset.state === "stale" && document.getElementById("pill").innerText.startsWith("STALE data ")`
	narrow    = `document.documentElement.scrollWidth <= innerWidth`
	shifted   = `new Promise(done => { new PerformanceObserver(l => done(l.getEntries().reduce((n, e) => n + e.value, 0))).observe({type: "layout-shift", buffered: true}); setTimeout(() => done(0), 300); })`
	rowStates = `Object.fromEntries([...document.querySelectorAll("#buckets tbody tr")].map(r => [r.cells[0].innerText, r.cells[1].innerText]))`
)

// TestInspectPage checks that the page follows a fleet by itself, and that it shows when it cannot.
func TestInspectPage(t *testing.T) {
	redis := startRedis(t)
	s := serveInspect(t, buildInspect(t), redis.addr, "127.0.0.1:0")
	p := openTab(t)
	a, b := redis.join(t, "crawler-1", 30), redis.join(t, "crawler-2-on-another-host", 10)
	a.batch(t, "nightly", 4000)
	redis.awaitQueues(t, "tracks", "artists", "answers") // rows are sorted by waiting time: without queues the rows would move while the fleet starts

	do(t, p, chromedp.Navigate(s.url))
	p.await(t, isLive)
	p.await(t, `document.querySelectorAll("#buckets tbody tr").length === 6 && document.querySelectorAll("#replicas tbody tr").length === 2`)
	// Changes of the fleet appear without a reload.
	p.await(t, `[...document.querySelectorAll("#buckets tbody tr")].some(r => r.cells[0].innerText === "spotify" && r.cells[1].innerText.includes("waiting") && parseFloat(r.cells[3].innerText) > 20)`)
	if err := a.limiter.Pause(t.Context(), "lastfm", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := b.limiter.Report(t.Context(), "answers", limiter.Throttled{RetryAfter: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	p.await(t, `document.getElementById("warnings").innerText.includes("bucket lastfm: paused for")`)
	p.await(t, `document.getElementById("events").innerText.includes("bucket lastfm:")`)
	if states := eval[map[string]string](t, p, rowStates); !strings.Contains(states["lastfm"], "paused") || len(states) != 6 {
		t.Errorf("%v", states)
	}
	if score, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](shifted, chromedp.EvalAwaitPromise)); err != nil || score > 0.02 {
		t.Errorf("the page moves while it fills: layout shift %.3f, %v", score, err)
	}
	checkKeys(t, p)
	p.checkWidths(t, "live")

	// A replica goes silent.
	b.kill()
	p.await(t, `document.querySelector("#replicas tbody tr").innerText.includes("LOST") && document.title.startsWith("1 LOST")`)
	p.await(t, `document.getElementById("events").innerText.includes("crawler-2-on-another-host on ") && document.getElementById("events").innerText.includes("is LOST")`)
	do(t, p, chromedp.Evaluate[chromedp.Void](`void document.querySelector("#replicas tbody button").click()`))
	p.await(t, `document.getElementById("detail").innerText.includes("silent for")`)
	p.picture(t, "lost")
	p.press(t, "\x1b")

	// Redis stops, and comes back.
	redis.stop()
	p.await(t, isStale+` && document.getElementById("warnings").innerText.includes("does not answer")`)
	if dim := eval[string](t, p, `getComputedStyle(document.querySelector("main > section")).opacity`); dim == "1" {
		t.Error("old data is not dimmed")
	}
	p.picture(t, "stale")
	p.colours(t, "dark")
	p.picture(t, "stale-dark")
	p.colours(t, "light")
	do(t, p, chromedp.EmulateViewport(360, 740), chromedp.Evaluate[chromedp.Void](`void document.querySelector("#buckets tbody button").click()`))
	p.await(t, `getComputedStyle(document.body, "::after").content.startsWith('"STALE') && `+narrow) // also over the detail
	p.picture(t, "stale-phone-detail")
	p.press(t, "\x1b")
	p.picture(t, "stale-phone")
	do(t, p, chromedp.EmulateViewport(1440, 900))
	redis.start(t)
	p.await(t, isLive+` && document.getElementById("events").innerText.includes("Redis answers again")`)

	// The command ends, and another one starts at the same address.
	s.end(t)
	p.await(t, `document.getElementById("word").innerText === "RECONNECTING" || `+isStale)
	p.await(t, isStale+` && document.getElementById("warnings").innerText.includes("is cut")`)
	p.picture(t, "cut")
	serveInspect(t, s.Path, redis.addr, strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/"))
	p.await(t, isLive)

	p.mu.Lock()
	defer p.mu.Unlock()
	unexpected := slices.DeleteFunc(slices.Clone(p.console), func(m string) bool { // expected while the server or Redis is down
		return strings.Contains(m, "ERR_CONNECTION_REFUSED") || strings.Contains(m, "status of 503") || strings.Contains(m, "ERR_INCOMPLETE_CHUNKED_ENCODING") || strings.Contains(m, "ERR_EMPTY_RESPONSE")
	})
	if len(unexpected) > 0 {
		t.Errorf("the console has %q", unexpected)
	}
}

// checkKeys checks the keys of the page.
func checkKeys(t *testing.T, p *tab) {
	t.Helper()
	p.press(t, "jjk")
	p.await(t, `document.activeElement === document.querySelector("#buckets tbody button")`)
	p.press(t, "\r")
	p.await(t, `!document.getElementById("detail").hidden && document.getElementById("whyText").innerText.includes("ould start")`)
	p.press(t, "\x1b")
	p.await(t, `document.getElementById("detail").hidden && document.activeElement.tagName === "BUTTON"`)
	p.press(t, "/!spotify")
	p.await(t, `document.querySelectorAll("#buckets tbody tr").length === 5`)
	p.press(t, "\x1b")
	p.await(t, `document.querySelectorAll("#buckets tbody tr").length === 6`)
	p.press(t, "\x1b?")
	p.await(t, `document.getElementById("help").open`)
	p.picture(t, "help")
	do(t, p, chromedp.Click("#help button"))
	p.await(t, `!document.getElementById("help").open`)
}

// checkWidths checks that the page fits into every width, and takes pictures.
func (p *tab) checkWidths(t *testing.T, name string) {
	t.Helper()
	for _, v := range []struct {
		name          string
		width, height int64
	}{{"wide", 1920, 1080}, {"", 1440, 900}, {"tablet", 820, 1100}, {"phone", 360, 740}} {
		do(t, p, chromedp.EmulateViewport(v.width, v.height))
		p.await(t, narrow)
		for _, scheme := range []string{"light", "dark"} {
			p.colours(t, scheme)
			p.picture(t, name+strings.TrimSuffix("-"+v.name, "-")+"-"+scheme)
		}
		do(t, p, chromedp.Evaluate[chromedp.Void](`void [...document.querySelectorAll("#buckets tbody button")].find(b => b.innerText === "spotify").click()`))
		p.await(t, `document.getElementById("whyText").innerText.includes("ould start") && `+narrow)
		p.picture(t, name+strings.TrimSuffix("-"+v.name, "-")+"-detail")
		p.press(t, "\x1b")
		p.colours(t, "light")
	}
	do(t, p, chromedp.EmulateViewport(1440, 900))
}

// TestInspectPageWithAToken checks that a browser that has the token as a password gets all resources of the page, and the stream.
func TestInspectPageWithAToken(t *testing.T) {
	const token = "0123456789abcdef"
	redis := startRedis(t)
	s := serveInspect(t, buildInspect(t), redis.addr, "127.0.0.1:0", "WEIR_TOKEN="+token)
	p := openTab(t)
	do(t, p, chromedp.Navigate(strings.Replace(s.url, "http://", "http://anybody:"+token+"@", 1)))
	p.await(t, isLive)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.console) > 0 {
		t.Errorf("the console has %q", p.console)
	}
}
