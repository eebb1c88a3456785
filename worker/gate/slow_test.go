package gate_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/gate"
)

// drip is a body of so many bytes, a piece at a time with a pause after it.
type drip struct {
	left, piece int
	pause       time.Duration
	sent        *atomic.Int64
}

func (d *drip) Read(p []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	n := min(d.left, d.piece, len(p))
	for i := range n {
		p[i] = 'x'
	}
	d.left -= n
	if d.sent != nil {
		d.sent.Add(int64(n))
	}
	time.Sleep(d.pause)
	return n, nil
}

// TestSlowUploadsAreCutOff: a body has to arrive in 10 s, or by 640 KiB more in each further 10 s, in virtual time.
func TestSlowUploadsAreCutOff(t *testing.T) {
	const size = 16 << 20
	for name, c := range map[string]struct {
		body   drip
		status int
		after  time.Duration // at which the answer comes; 0 is not checked
	}{
		"nothing comes":                 {drip{left: size, piece: 1, pause: time.Hour}, 408, 10 * time.Second},
		"a byte a second":               {drip{left: size, piece: 1, pause: time.Second}, 408, 10 * time.Second},
		"a byte less than enough":       {drip{left: size, piece: 640<<10 - 1, pause: 10*time.Second + 1}, 408, 10 * time.Second},
		"just enough":                   {drip{left: size, piece: 32 << 10, pause: 499 * time.Millisecond}, 200, 0},
		"little, and at once":           {drip{left: 1000, piece: 1000, pause: 9 * time.Second}, 200, 0},
		"fast at first, and then never": {drip{left: 15 << 20, piece: 15 << 20, pause: time.Hour}, 408, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, gate.Config{})
				began := time.Now()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/things", &c.body)
				if err != nil {
					t.Fatal(err)
				}
				with()(r)
				res, err := s.do(r)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				if _ = res.Body.Close(); res.StatusCode != c.status || c.after > 0 && took != c.after || took > 5*time.Minute {
					t.Errorf("status %s after %v, want %d after %v", res.Status, took, c.status, c.after)
				}
				if used := s.gate.Used(); used != 0 {
					t.Errorf("%d bytes are taken", used)
				}
				time.Sleep(2 * time.Hour) // for the client's goroutine that still sends
			})
		})
	}
}

// TestSlowUploadsTakeBoundedMemory: forty uploads of 16 MiB, each at 65 KiB a second. Their bytes in memory reach the bound and stay within it.
// Further uploads get 503 with Retry-After. Uploads that stop sending are cut off.
func TestSlowUploadsTakeBoundedMemory(t *testing.T) {
	const size, clients, bound = 16 << 20, 40, 24 << 20
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{})
		before := heap()
		var sent, peak atomic.Int64
		var most uint64
		statuses := map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				body := &drip{left: size, piece: 13 << 10, pause: 199 * time.Millisecond, sent: &sent}
				if i%4 == 0 { // these stop after a while
					body.left = 3 << 20
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/things", body)
				if err != nil {
					t.Error(err)
					return
				}
				with()(r)
				r.ContentLength = size
				if i%4 == 0 {
					r.Body = io.NopCloser(io.MultiReader(body, &drip{left: size, piece: 1, pause: time.Hour}))
				}
				res, err := s.do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
				mu.Lock()
				defer mu.Unlock()
				statuses[res.StatusCode]++
				if res.StatusCode == 503 && (res.Header.Get("Retry-After") != "10" || res.Header.Get("Content-Type") != "application/problem+json") {
					t.Errorf("headers of a 503: %v, want Retry-After 10 and a problem", res.Header)
				}
			})
		}
		for range 300 {
			time.Sleep(time.Second)
			peak.Store(max(peak.Load(), s.gate.Used()))
			if n := s.gate.Used(); n > bound*9/10 && most == 0 {
				most = heap()
			}
		}
		all.Wait()
		grown := int64(most) - int64(before)
		t.Logf("%d MiB sent by %d uploads, answers %v; at most %d MiB taken, heap + %d MiB", sent.Load()>>20, clients, statuses, peak.Load()>>20, grown>>20)
		if peak.Load() > bound || peak.Load() < bound*9/10 || s.gate.Used() != 0 {
			t.Errorf("%d bytes taken at most, want the bound of %d; %d at the end", peak.Load(), bound, s.gate.Used())
		}
		if grown > 64<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		if statuses[200] == 0 || statuses[503] == 0 || statuses[200]+statuses[503]+statuses[408] != clients {
			t.Errorf("numbers of answers by status %v, want some 200, some 503, and 408 for all others", statuses)
		}
		time.Sleep(24 * 365 * time.Hour) // for clients' goroutines that still send
	})
}

// heap returns the bytes of the heap that are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// TestRequestsAreBounded: beyond the bound requests get 503 with Retry-After, and probes get an answer.
func TestRequestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{Requests: 3})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				res, _ := s.ask(t, http.MethodPost, "/v1/things", &drip{left: 5, piece: 1, pause: time.Second}, with())
				if res.StatusCode != 200 {
					t.Errorf("an upload within the bound: status %s, want 200", res.Status)
				}
			})
		}
		synctest.Wait()
		res, text := s.ask(t, http.MethodGet, "/v1/things/one", nil, nil)
		if res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" || !strings.Contains(text, gate.TypeCapacity) {
			t.Errorf("a request beyond the bound: status %s, body %s, want 503 with Retry-After 1", res.Status, text)
		}
		if res, _ := s.ask(t, http.MethodGet, "/livez", nil, nil); res.StatusCode != 200 {
			t.Errorf("a probe: status %s, want 200", res.Status)
		}
		all.Wait()
		if res, _ := s.ask(t, http.MethodGet, "/v1/things/one", nil, nil); res.StatusCode != 200 {
			t.Errorf("a request after the uploads: status %s, want 200", res.Status)
		}
	})
}

// TestStopEndsUploads: a server that ends waits for no upload. Other requests go on.
func TestStopEndsUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{})
		began := time.Now()
		time.AfterFunc(1500*time.Millisecond, s.gate.Stop)
		for _, which := range []string{"under way", "new"} {
			res, text := s.ask(t, http.MethodPost, "/v1/things", &drip{left: 100, piece: 1, pause: time.Second}, with())
			if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(text, "ending") {
				t.Errorf("the upload that is %s: status %s, body %q, want 503 with Retry-After", which, res.Status, text)
			}
			if took := time.Since(began); took != 1500*time.Millisecond {
				t.Errorf("the upload that is %s ended after %v, want 1.5s", which, took)
			}
		}
		if res, _ := s.ask(t, http.MethodGet, "/v1/things/one", nil, nil); res.StatusCode != 200 {
			t.Errorf("a request without a body: status %s, want 200", res.Status)
		}
		time.Sleep(time.Hour)
	})
}

// TestHandlerOutlastsTheDeadlineOfItsBody: the deadline is for the body, and does not end the context of a handler that takes longer. At the end
// of a body the server itself removes the deadline. If there is no body it does not.
func TestHandlerOutlastsTheDeadlineOfItsBody(t *testing.T) {
	for _, body := range []string{"a,b", ""} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, gate.Config{})
			if res, text := s.ask(t, http.MethodPost, "/v1/hour", strings.NewReader(body), with()); res.StatusCode != 200 || text != "an hour later" {
				t.Errorf("body %q: status %s, answer %q, want 200 an hour later", body, res.Status, text)
			}
		})
	}
}

// raw sends bytes over a connection that stays open, and returns the answer and how long it took to come.
func (s *site) raw(t *testing.T, wire string) (*http.Response, time.Duration) {
	t.Helper()
	mine, its := net.Pipe()
	t.Cleanup(func() { _ = mine.Close() })
	s.pipes <- its
	began := time.Now()
	if _, err := io.WriteString(mine, wire); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(mine), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res, time.Since(began)
}

// TestBodiesThatNobodyReadsAreCutOff: the server reads the rest of a body before it answers. It waits for a client that does not send as long as
// for an upload.
func TestBodiesThatNobodyReadsAreCutOff(t *testing.T) {
	for _, path := range []string{"/v1/things/one", "/livez"} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, gate.Config{})
			res, took := s.raw(t, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
			if res.StatusCode != 200 || took != 10*time.Second {
				t.Errorf("%s: status %s after %v, want 200 after 10 s", path, res.Status, took)
			}
		})
	}
}

// TestRefusedUploadsAreNotRead: the answer comes at once, and the connection ends with it.
func TestRefusedUploadsAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{})
		res, took := s.raw(t, "POST /v1/things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
		if res.StatusCode != 415 || !res.Close || took != 0 {
			t.Errorf("status %s after %v, the connection is closed: %v; want 415 at once, and closed", res.Status, took, res.Close)
		}
	})
}
