package browser

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/sse"
)

// page starts an analysis and follows it with an EventSource. The page never closes it: the browser decides when to reconnect and when to stop.
const page = `<!doctype html><title>weir</title><script>
var seen = [], opened = 0, source;
fetch("/start", {method: "POST"}).then(started => {
	const where = started.headers.get("Location");
	started.body.cancel();
	source = new EventSource(where + "/events");
	source.onopen = () => opened++;
	for (const name of ["message", "result", "done"])
		source.addEventListener(name, e => seen.push(e.lastEventId + " " + name + " " + e.data));
});
</script>`

// chromium starts a browser with one empty page.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium on the PATH, and CI is set")
		}
		t.Skip("no Chromium on the PATH")
	}
	// A cold start on a busy machine takes long. A sandbox needs permissions that containers do not have.
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(2*time.Minute)))
	t.Cleanup(cancel)
	return ctx
}

// cuttingServer is a server that can cut connections: all of them, or the next one that writes, in the middle of an event.
type cuttingServer struct {
	*httptest.Server
	next atomic.Bool
	cut  chan struct{} // receives a value when a connection was cut within an event
}

// cutWriter is a ResponseWriter that cuttingServer can cut.
type cutWriter struct {
	http.ResponseWriter
	by *cuttingServer
}

func (w cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w cutWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("data:")) && w.by.next.CompareAndSwap(true, false) {
		_, _ = w.ResponseWriter.Write(p[:len(p)-1]) // all but the blank line
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		w.by.cut <- struct{}{}
		panic(http.ErrAbortHandler)
	}
	return w.ResponseWriter.Write(p)
}

// TestEventSourceResumes cuts the connection of a browser, between events and within an event. The browser reconnects by itself and gets every event
// once. After the end of the stream the server tells the browser to stop, and the browser does not reconnect again.
func TestEventSourceResumes(t *testing.T) {
	send := make(chan string)
	d, err := desk.New(desk.Config{Name: "r1", Last: func(reason error) []sse.Event {
		return []sse.Event{{Name: "error", Data: []byte(reason.Error())}, {Name: "done"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	work := func(ctx context.Context, report func(sse.Event) error) []sse.Event {
		for {
			select {
			case text, more := <-send:
				if !more {
					return []sse.Event{{Name: "result", Data: []byte("all")}, {Name: "done"}}
				}
				if err := report(sse.Event{Data: []byte(text)}); err != nil {
					t.Error(err)
				}
			case <-ctx.Done():
				return []sse.Event{{Name: "done"}}
			}
		}
	}
	h := &deskhttp.Handler{Desk: d, Path: "/analyses"}
	var mu sync.Mutex
	var from []string // Last-Event-ID of each request
	stopped := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(out, page)
	})
	s := &cuttingServer{cut: make(chan struct{}, 1)}
	mux.HandleFunc("POST /start", func(out http.ResponseWriter, r *http.Request) { h.Start(out, r, desk.Order{Work: work}) })
	mux.HandleFunc("GET /analyses/{id}/events", func(out http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if from = append(from, r.Header.Get("Last-Event-ID")); len(from) == 4 {
			defer close(stopped)
		}
		mu.Unlock()
		h.Events(cutWriter{out, s}, r)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := d.Close(ended); err != nil {
			t.Error(err)
		}
		s.CloseClientConnections()
		s.Close()
	})
	ctx := chromium(t) // started after the Cleanup above, so that the browser ends before the server

	var want []string
	emit := func(n int) {
		for range n {
			text := fmt.Sprintf("event %d", len(want)+1)
			want = append(want, fmt.Sprintf("%d message %s", len(want)+1, text))
			send <- text
		}
	}
	await := func(condition string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(time.Minute), chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
			got, _ := chromedp.Run(ctx, chromedp.Evaluate[[]string]("seen"))
			t.Fatalf("%s: %v; the browser has seen %q", condition, err, got)
		}
	}
	start := time.Now()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL)); err != nil {
		t.Fatal(err)
	}
	await("opened === 1")
	emit(5)
	await("seen.length >= 5")

	s.CloseClientConnections() // between two events
	emit(5)                    // while no browser is connected
	await("opened === 2 && seen.length >= 10")

	s.next.Store(true) // within the next event
	emit(1)
	<-s.cut
	emit(4)
	await("opened === 3 && seen.length >= 15")

	close(send)
	want = append(want, "16 result all", "17 done ")
	<-stopped
	await("source.readyState === EventSource.CLOSED")
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("seen"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events are missing or repeated (-reported +seen):\n%s", diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"", "5", "10", "17"}, from); diff != "" {
		t.Errorf("Last-Event-ID of each request (-want +got):\n%s", diff)
	}
	version, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d events, each once, over %d connections, in %.1f s", version[strings.LastIndex(version[:strings.LastIndex(version, " ")], " ")+1:], len(got), len(from), time.Since(start).Seconds())
}
