package worker_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

var full = flag.Bool("full", false, "play ten times as many hostile requests")

// hostile makes random requests, most of them malformed.
type hostile struct{ *rand.Rand }

func pick[T any](h hostile, from ...T) T { return from[h.IntN(len(from))] }

func (h hostile) noise(most int) string {
	b := make([]byte, h.IntN(most+1))
	for i := range b {
		b[i] = byte(h.Uint32())
	}
	return string(b)
}

// spoilt returns a text. One time in twelve it removes, doubles or overwrites a part.
func (h hostile) spoilt(text string) string {
	if text == "" || h.IntN(12) > 0 {
		return text
	}
	i := h.IntN(len(text))
	j := i + h.IntN(len(text)-i)
	return text[:i] + pick(h, "", text[i:j]+text[i:j], h.noise(8)) + text[j:]
}

func (h hostile) body() string {
	text := pick(h, "", "a,b\n1,2\n", `{"name":"x","tracks":[{"name":"a","artists":["b"]}]}`, `[{"name":"a","artists":["b"]}]`,
		"Track URI,Track Name,Artist Name(s)\n,Song,Band\n", string(playlist.Sample()), strings.Repeat("[", 10_000), h.noise(200), "\xff\xfe", strings.Repeat("\"", 999))
	text = h.spoilt(text)
	if h.IntN(4) == 0 {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
		text = h.spoilt(b.String())
	}
	return text
}

// request returns the bytes of a request, and whether it is complete. The answer to a complete request comes while the connection is open.
func (h hostile) request() (wire string, whole bool) {
	method := h.spoilt(pick(h, "GET", "HEAD", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PRI", "post", "X"))
	path := h.spoilt(pick(h, "/", "/livez", "/readyz", "/v1/playlists/analyze", "/v1/playlists/analyze", "/v1/playlists/analyze", "/v1/../livez", "//v1//", "*",
		"/%2e%2e/%00", "http://evil.example/v1/playlists/analyze", "/v1/playlists/analyze?"+strings.Repeat("a", h.IntN(20_000))))
	body := h.body()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\n", method, path, h.spoilt("HTTP/1.1"))
	fmt.Fprintf(&b, "Host: %s\r\nConnection: close\r\n", h.spoilt(pick(h, "127.0.0.1", "localhost:80", "evil.example", "[::1]")))
	for _, name := range []string{
		"Content-Type", "Content-Encoding", "Origin", "Sec-Fetch-Site", "Authorization", "X-Request-Id", "Expect", "Last-Event-ID", "Traceparent", "Range", "Upgrade", "Cookie",
	} {
		for h.IntN(12) == 0 || name == "Content-Type" && h.IntN(2) > 0 {
			value := pick(h, "text/csv", "application/json", "text/plain", "multipart/form-data; boundary=x", "gzip", "br", "identity", "null", "same-origin", "cross-site",
				"Bearer x", "100-continue", "bytes=0-1", "websocket", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", strings.Repeat("x", h.IntN(10_000)))
			if name == "Content-Type" {
				value = h.spoilt(pick(h, "text/csv", "application/json", "text/csv", "text/plain"))
			}
			if h.IntN(100) == 0 {
				value = h.noise(20)
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	length := len(body)
	switch h.IntN(4) {
	case 0:
		length += h.IntN(100) - 50
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", length, body)
	case 1:
		fmt.Fprintf(&b, "Transfer-Encoding: %s\r\n\r\n%x\r\n%s\r\n%s", h.spoilt("chunked"), length, body, pick(h, "0\r\n\r\n", "0", "-1\r\n", h.noise(9)))
	default:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", length, body)
		return b.String(), true
	}
	return b.String(), false
}

// TestHostileRequests sends ten thousand random requests, or a hundred thousand with -full: random methods, paths, headers and bodies, over
// real connections. Nothing panics. No answer is above 499, except 503 with Retry-After, and the two by which HTTP refuses versions and
// encodings.
func TestHostileRequests(t *testing.T) {
	const clients = 8
	requests := 10_000
	if *full {
		requests = 100_000
	}
	log := newJournal()
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		cfg.Gate = gate.Config{Requests: 2}
	})
	address := strings.TrimPrefix(r.url, "http://")
	var mu sync.Mutex
	statuses := map[int]int{}
	play := func(seed uint64, requests int) {
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				h := hostile{rand.New(rand.NewPCG(seed, uint64(c)))}
				for range requests / clients {
					wire, whole := h.request()
					status, err := send(address, wire, whole)
					if err != nil {
						t.Errorf("error %v after the request %q", err, wire[:min(len(wire), 500)])
						return
					}
					mu.Lock()
					statuses[status]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	// On a slow machine no two requests may ever be in flight at once. Two uploads that stall reach the bound.
	one, two := r.stall(t), r.stall(t)
	play(0, 400)
	_, _ = one.Close(), two.Close()
	play(1, requests)
	if res := r.do(t, http.MethodGet, "/livez", nil, nil); res.StatusCode != http.StatusOK {
		t.Errorf("/livez after the requests: %s, want 200", res.Status)
	}
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		t.Logf("%3d %d times", status, statuses[status])
	}
	if statuses[200] == 0 || statuses[400] == 0 || statuses[403] == 0 || statuses[415] == 0 || statuses[503] == 0 {
		t.Error("want answers with each of the statuses 200, 400, 403, 415 and 503")
	}
	if strings.Contains(log.String(), "panic") {
		t.Errorf("the log has a panic:\n%s", log)
	}
}

// stall begins an upload whose body never comes, and returns its connection once the replica waits for the body.
func (r *replica) stall(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")) //nolint:noctx // of this machine
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "POST /v1/playlists/analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	const carryOn = "HTTP/1.1 100 Continue\r\n\r\n" // which the server sends when somebody reads the body
	got := make([]byte, len(carryOn))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != carryOn {
		t.Fatalf("error %v, read %q, want %q", err, got, carryOn)
	}
	return c
}

// TestStopEndsUploads: a replica that ends waits for no upload.
func TestStopEndsUploads(t *testing.T) {
	r := start(t, func(_ *upstream.Config, cfg *worker.Config) {
		cfg.Drain, cfg.Gate.Patience = time.Second, time.Minute
	})
	c := r.stall(t)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "ending") {
		t.Errorf("status %s, body %q, error %v; want 503, because the worker is ending", res.Status, text, err)
	}
}

// send sends bytes and reads the answer to its end. Status 0 means that the server closed the connection without an answer, which it does if
// the request is not complete.
func send(address, wire string, whole bool) (int, error) {
	c, err := net.Dial("tcp", address) //nolint:noctx // of this machine
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	go func() {
		_, _ = io.WriteString(c, wire) // the server may refuse before the end
		if !whole {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	in := bufio.NewReader(c)
	for {
		method := http.MethodGet
		if strings.HasPrefix(wire, "HEAD ") {
			method = http.MethodHead
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // of the connection itself
				return 0, fmt.Errorf("no answer: %w", err)
			}
			return 0, nil
		}
		if res.StatusCode < 200 {
			continue // 100 Continue
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		switch bounded := res.Header.Get("Retry-After") != ""; {
		case err != nil && whole && !strings.Contains(err.Error(), "reset"):
			return 0, fmt.Errorf("%s was cut: %w", res.Status, err)
		case res.StatusCode == http.StatusNotImplemented, res.StatusCode == http.StatusHTTPVersionNotSupported, res.StatusCode == http.StatusServiceUnavailable && bounded:
		case res.StatusCode >= 500:
			return 0, fmt.Errorf("status %s with body %q", res.Status, text)
		}
		return res.StatusCode, nil
	}
}
