package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// TestStreamHasTheReport checks that the stream begins with hello. Reports follow, with the buckets by severity and without records.
func TestStreamHasTheReport(t *testing.T) {
	s := run(t, fleet(t, 25), Config{})
	r := s.stream(t)
	ev, _ := r.next()
	var h struct {
		Interval int64 `json:"interval_ms"`
		Stale    int64 `json:"stale_ms"`
	}
	must(t, json.Unmarshal(ev.Data, &h))
	if ev.Name != "hello" || h.Interval != 20 || h.Stale != 10_000 {
		t.Errorf("first %s: %s", ev.Name, ev.Data)
	}
	var got struct {
		report.Report
		Buckets []struct {
			Name, State, Note string
			Users             int
			Shares            []report.Share
		} `json:"buckets"`
	}
	ev, _ = r.next()
	must(t, json.Unmarshal(ev.Data, &got))
	if ev.Name != "report" || got.Schema != report.Schema || len(got.Replicas) != 25 || len(got.Warnings) == 0 {
		t.Fatalf("%s: %s", ev.Name, ev.Data)
	}
	if b := got.Buckets[0]; b.Name != "paused" || b.State != "paused" || b.Note == "" {
		t.Errorf("first bucket %+v", b)
	}
	if b := got.Buckets[1]; b.Users != 25 || len(b.Shares) != mostShares || b.Shares[0].Replica != "replica-024" {
		t.Errorf("second bucket %+v", b)
	}
	if bytes.Contains(ev.Data, []byte("only in the record")) {
		t.Error("records are in the stream")
	}
	// A page that is opened later gets the last minute.
	ev, _ = s.stream(t).next()
	var second hello
	must(t, json.Unmarshal(ev.Data, &second))
	if second.NowMS == 0 || len(second.Past) == 0 || fmt.Sprint(second.Past[0].Rows[0][0]) != "a-fine-one\n40/s" {
		t.Errorf("%s", ev.Data)
	}
}

// TestRetryField checks the retry field of the stream, in its wire form.
func TestRetryField(t *testing.T) {
	s := run(t, fleet(t, 0), Config{})
	res := s.do(t, http.MethodGet, "/api/v1/events")
	head := make([]byte, 64)
	if _, err := io.ReadFull(res.Body, head); err != nil || !strings.HasPrefix(string(head), "retry: 2000\n\nevent: hello\n") {
		t.Errorf("%q, %v", head, err)
	}
	if cache := res.Header.Get("Cache-Control"); !strings.Contains(cache, "no-cache") {
		t.Error(cache)
	}
	if res := s.do(t, http.MethodHead, "/api/v1/events"); res.StatusCode != http.StatusOK || s.readers() != 1 {
		t.Errorf("%s, %d readers", res.Status, s.readers())
	}
}

// TestOnePollerForAll checks that many readers cost as many commands as one, and that Redis is not read without readers.
func TestOnePollerForAll(t *testing.T) {
	m := fleet(t, 1)
	s := run(t, m, Config{Interval: 50 * time.Millisecond})
	var all []*stream
	for range 20 {
		all = append(all, s.stream(t))
	}
	for _, r := range all {
		r.until(t, "report")
	}
	seq := func() uint64 { last, _ := s.poller.look(); return last.seq }
	begun, commands := seq(), m.CommandCount()
	for range 10 {
		for _, r := range all {
			r.until(t, "report")
		}
		if res := s.do(t, http.MethodGet, "/api/v1/report"); res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	}
	readings, commands := seq()-begun, m.CommandCount()-commands
	// A reading in progress when the count begins or ends is in only one of the two figures.
	if readings < 9 || uint64(commands) > 7*(readings+2) {
		t.Errorf("%d readings with %d commands", readings, commands)
	}
	for _, r := range all {
		_ = r.Body.Close()
	}
	eventually(t, "readers that left are still counted", func() bool { return s.readers() == 0 })
	eventually(t, "Redis is read without readers", func() bool { // the last reading may still be in progress
		quiet := m.CommandCount()
		<-time.After(4 * s.poller.interval)
		return m.CommandCount() == quiet
	})
	s.stream(t).until(t, "report") // readings begin again
}

// TestTroubleAndRecovery checks the events while Redis fails and after it is back.
func TestTroubleAndRecovery(t *testing.T) {
	m := fleet(t, 1)
	s := run(t, m, Config{})
	r := s.stream(t)
	r.until(t, "report")
	m.SetError("LOADING the dataset is in memory soon")
	if ev := r.until(t, "trouble"); !strings.Contains(string(ev.Data), "LOADING") || !strings.Contains(string(ev.Data), m.Addr()) {
		t.Errorf("%s", ev.Data)
	}
	r.until(t, "trouble") // each failed attempt sends an event
	late := s.stream(t)
	// A new reader gets the last report with its age, and the trouble since then.
	stamps := map[string]int64{}
	for _, want := range []string{"hello", "report", "trouble"} {
		ev, _ := late.next()
		if ev.Name != want {
			t.Errorf("%s instead of %s", ev.Name, want)
		}
		var stamp struct {
			Now  int64 `json:"now_ms"`
			Read int64 `json:"read_ms"`
		}
		if want != "trouble" {
			must(t, json.Unmarshal(ev.Data, &stamp))
			stamps[want] = stamp.Now + stamp.Read
		}
	}
	if age := stamps["hello"] - stamps["report"]; age < 20 || age > 20_000 { // at least one attempt has failed since
		t.Errorf("the last report is %d ms old, want 20 to 20000", age)
	}
	res := s.do(t, http.MethodGet, "/api/v1/report")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Error(res.Status, res.Header)
	}
	m.SetError("")
	r.until(t, "report")
	late.until(t, "report")
	m.Close()
	r.until(t, "trouble")
	must(t, m.Restart())
	r.until(t, "report")
}

// TestReadersAreBounded checks that a reader above the bound gets 503, and that a reader that leaves makes room for another.
func TestReadersAreBounded(t *testing.T) {
	s := run(t, fleet(t, 0), Config{Readers: 2})
	first, _ := s.stream(t), s.stream(t)
	res := s.do(t, http.MethodGet, "/api/v1/events")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "10" {
		t.Error(res.Status, res.Header)
	}
	if res := s.do(t, http.MethodGet, "/api/v1/report"); res.StatusCode != http.StatusOK {
		t.Errorf("the report: %s", res.Status)
	}
	_ = first.Body.Close()
	eventually(t, "a reader that left is still counted", func() bool { return s.readers() == 1 })
	s.stream(t).until(t, "report")
}

// TestStalledReaderIsDropped checks that a stalled reader loses its stream while another reader gets reports.
func TestStalledReaderIsDropped(t *testing.T) {
	s := run(t, fleet(t, 400), Config{Interval: time.Millisecond, WriteTimeout: 200 * time.Millisecond})
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	must(t, err)
	defer c.Close()
	must(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	must(t, err)
	eventually(t, "the reader is not counted", func() bool { return s.readers() == 1 })
	other := s.stream(t)
	eventually(t, "the stalled reader is still counted", func() bool {
		other.until(t, "report")
		return s.readers() == 1
	})
}

// TestEndClosesStreams checks that Serve ends open streams within the grace period.
func TestEndClosesStreams(t *testing.T) {
	s := run(t, fleet(t, 1), Config{})
	r := s.stream(t)
	r.until(t, "report")
	begun := time.Now()
	s.end()
	for {
		if _, more := r.next(); !more {
			break
		}
	}
	if d := time.Since(begun); d > grace {
		t.Errorf("the end took %v", d)
	}
	if _, err := http.DefaultClient.Get(s.url + "/livez"); err == nil || errors.Is(err, io.EOF) { //nolint:noctx // the server has ended
		t.Errorf("the server still listens: %v", err)
	}
}

// TestReportIsReadOnceAnInterval checks that several requests for the report cost one reading an interval.
func TestReportIsReadOnceAnInterval(t *testing.T) {
	s := run(t, fleet(t, 1), Config{Interval: time.Hour})
	for range 5 {
		if res := s.do(t, http.MethodGet, "/api/v1/report"); res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	}
	if last, _ := s.poller.look(); last.seq != 1 {
		t.Errorf("read %d times", last.seq)
	}
	s.stream(t).until(t, "report")
}
