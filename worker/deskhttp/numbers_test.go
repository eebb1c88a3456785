package deskhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/sse"
)

// large reports whether the test measures the figures of docs/measurements.md, which takes longer.
func large() bool { return os.Getenv("WEIR_NUMBERS") != "" }

// plainProtocols runs a test over HTTP/1.1 and HTTP/2 without TLS, whose buffers would be in every figure.
func plainProtocols(t *testing.T, cfg desk.Config, work desk.Work, test func(t *testing.T, s *plainServer)) {
	for _, name := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(name, func(t *testing.T) {
			s := &plainServer{h2: name == "HTTP/2", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, Protocols: new(http.Protocols)}}}
			var err error
			s.desk, err = desk.New(cfg)
			must(t, err)
			h := &deskhttp.Handler{Desk: s.desk, Path: "/a", Stream: sse.Config{WriteTimeout: time.Minute}}
			mux := http.NewServeMux()
			mux.HandleFunc("POST /start", func(out http.ResponseWriter, r *http.Request) { h.Start(out, r, desk.Order{Work: work}) })
			mux.HandleFunc("GET /a/{id}/events", h.Events)
			server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
			for _, p := range []*http.Protocols{server.Protocols, s.client.Transport.(*http.Transport).Protocols} {
				p.SetHTTP1(!s.h2)
				p.SetUnencryptedHTTP2(s.h2)
			}
			inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			must(t, err)
			s.addr = inner.Addr().String()
			served := make(chan error, 1)
			go func() { served <- server.Serve(&countingListener{inner, &s.sent}) }()
			test(t, s)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			s.client.CloseIdleConnections()
			_ = s.desk.Close(ended) // stalled readers do not read their last events
			must(t, server.Close())
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
	}
}

type plainServer struct {
	desk   *desk.Desk
	addr   string
	h2     bool
	client *http.Client
	sent   atomic.Int64 // bytes that connections have taken
	dialed []*net.TCPConn
}

// countingListener counts the bytes that its connections have taken. It keeps the kernel's buffers small, so that they take little for a
// client that does not read.
type countingListener struct {
	net.Listener
	sent *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := c.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
		return nil, err
	}
	return &countingConn{c, l.sent}, nil
}

type countingConn struct {
	net.Conn
	sent *atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

func (s *plainServer) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
	must(t, err)
	must(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
	s.dialed = append(s.dialed, c.(*net.TCPConn))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// stall opens n streams of a path that take nothing, and returns when all have begun.
func (s *plainServer) stall(t *testing.T, path string, n int) {
	t.Helper()
	if !s.h2 {
		for range n {
			c := s.dial(t)
			_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			must(t, err)
			// The head of the answer, byte by byte: nothing of its body.
			for head := ""; !strings.HasSuffix(head, "\r\n\r\n"); {
				one := make([]byte, 1)
				_, err := c.Read(one)
				must(t, err)
				head += string(one)
			}
		}
		return
	}
	// As many streams to a connection as a server allows. Their windows are a KiB each and never grow; the connection is read.
	for n > 0 {
		streams := min(n, 200)
		n -= streams
		c := s.dial(t)
		var out bytes.Buffer
		out.WriteString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		frame(&out, 4, 0, 0, []byte{0, 4, 0, 0, 4, 0})                  // SETTINGS: an initial window of 1,024
		frame(&out, 8, 0, 0, binary.BigEndian.AppendUint32(nil, 1<<30)) // WINDOW_UPDATE of the connection
		for i := range streams {
			// GET, http, the path and the authority as literals that are not indexed.
			head := append([]byte{0x82, 0x86, 0x04, byte(len(path))}, path...)
			frame(&out, 1, 0x5, uint32(2*i+1), append(head, 0x01, 1, 'x'))
		}
		_, err := c.Write(out.Bytes())
		must(t, err)
		in := bufio.NewReader(c)
		for begun := 0; begun < streams; {
			kind, err := nextFrame(in)
			must(t, err)
			if kind == 1 {
				begun++
			}
		}
		go func() {
			for err := error(nil); err == nil; {
				_, err = nextFrame(in)
			}
		}()
	}
}

func frame(out *bytes.Buffer, kind, flags byte, stream uint32, payload []byte) {
	n := len(payload)
	out.Write([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags})
	out.Write(binary.BigEndian.AppendUint32(nil, stream))
	out.Write(payload)
}

func nextFrame(in *bufio.Reader) (kind byte, err error) {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, err
	}
	_, err = in.Discard(int(head[0])<<16 | int(head[1])<<8 | int(head[2]))
	return head[3], err
}

// resident returns the resident memory of the process in bytes, after a collection.
func resident(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm: ", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	must(t, err)
	return pages * int64(os.Getpagesize())
}

// stamped returns an event of a given length with the time of its report.
func stamped(bytes int) sse.Event {
	text := strconv.FormatInt(time.Now().UnixNano(), 10)
	return sse.Event{Data: []byte(text + " " + strings.Repeat("x", max(0, bytes-len(text))))}
}

// delays returns for each event of a stream the time from its report until it was read. The last events have none.
func delays(body io.Reader) (all []time.Duration, err error) {
	for ev, err := range sse.Read(body) {
		if err != nil {
			return all, err
		}
		at, _, _ := strings.Cut(string(ev.Data), " ")
		if nano, err := strconv.ParseInt(at, 10, 64); err == nil {
			all = append(all, time.Since(time.Unix(0, nano)))
		}
	}
	return all, nil
}

// TestStalledReadersCostLittle: 500 readers of an analysis that take nothing, beside one that reads.
func TestStalledReadersCostLittle(t *testing.T) {
	const stalled, events, length = 500, 100, 4_000
	begin := make(chan struct{})
	work := func(ctx context.Context, report func(sse.Event) error) []sse.Event {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		select {
		case <-begin:
		case <-ctx.Done():
			return failed(context.Cause(ctx))
		}
		for range events {
			<-tick.C
			if err := report(stamped(length)); err != nil {
				return failed(err)
			}
		}
		return []sse.Event{{Name: "done"}}
	}
	plainProtocols(t, desk.Config{Name: "r", Last: failed, Grace: 100 * time.Millisecond}, work, func(t *testing.T, s *plainServer) {
		begin = make(chan struct{})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/start", nil)
		must(t, err)
		healthy, err := s.client.Do(req)
		must(t, err)
		defer healthy.Body.Close()
		before := resident(t)
		s.stall(t, healthy.Header.Get("Location")+"/events", stalled)
		opened := resident(t)
		close(begin)
		late, err := delays(healthy.Body)
		must(t, err)
		after := resident(t)
		if len(late) != events {
			t.Fatalf("the reader that does not stall got %d events of %d", len(late), events)
		}
		const mib = 1 << 20
		t.Logf("%d stalled readers: %.1f MiB more when they were open, %.1f MiB when %.1f MiB had been reported to each; a reader beside them had its events after at most %v",
			stalled, float64(opened-before)/mib, float64(after-before)/mib, float64(events*length)/mib, slices.Max(late))
		if n := s.desk.Counts().Readers; n != stalled {
			t.Errorf("%d readers are left, want all %d stalled ones", n, stalled)
		}
		if sent := s.sent.Load(); sent > stalled*events*length/2 {
			t.Errorf("%d bytes were sent: the readers did not stall", sent)
		}
		if more := after - before; more > 64*mib && !raceDetector {
			t.Errorf("%.1f MiB more, want at most 64", float64(more)/mib)
		}
	})
}

// TestManyStreams: each of many analyses reports ten events a second to a reader of its own; all arrive, in order.
func TestManyStreams(t *testing.T) {
	streams, events := 100, 10
	if large() {
		streams, events = 1_000, 100
	}
	begin := make(chan struct{}) // closed when all streams are open
	work := func(ctx context.Context, report func(sse.Event) error) []sse.Event {
		<-begin
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for range events {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return failed(context.Cause(ctx))
			}
			if err := report(stamped(150)); err != nil {
				return failed(err)
			}
		}
		return []sse.Event{{Name: "done"}}
	}
	plainProtocols(t, desk.Config{Name: "r", Last: failed, Running: streams, LogBytes: 64 << 10}, work, func(t *testing.T, s *plainServer) {
		var mu sync.Mutex
		var all []time.Duration
		var readers, open sync.WaitGroup
		begin = make(chan struct{})
		open.Add(streams)
		for range streams {
			readers.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/start", nil)
				if err != nil {
					t.Error(err)
				}
				res, err := s.client.Do(req)
				open.Done()
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				late, err := delays(res.Body)
				if err != nil || len(late) != events {
					t.Errorf("status %s, %d events of %d, error %v", res.Status, len(late), events, err)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, late...)
			})
		}
		open.Wait()
		cpu, start := cpuTime(t), time.Now()
		close(begin)
		readers.Wait()
		if len(all) != streams*events {
			t.Fatalf("the readers got %d events of %d", len(all), streams*events)
		}
		slices.Sort(all)
		took := time.Since(start)
		t.Logf("%d streams, %d events in %.1f s, which is %.0f a second: half after %v, 99 %% after %v, all after %v; %v of processor time an event, clients included",
			streams, len(all), took.Seconds(), float64(len(all))/took.Seconds(), all[len(all)/2], all[len(all)*99/100], all[len(all)-1],
			(cpuTime(t)-cpu)/time.Duration(len(all)))
	})
}
