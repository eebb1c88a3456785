package sse_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

// sameData compares events by what is on the wire: nil and empty data are the same there.
var sameData = cmp.Transformer("text", func(b []byte) string { return string(b) })

func readAll(r io.Reader) ([]sse.Event, error) {
	var all []sse.Event
	for ev, err := range sse.Read(r) {
		if err != nil {
			return all, err
		}
		all = append(all, ev)
	}
	return all, nil
}

// The cases follow what browsers are tested for (the web platform tests of eventsource, written anew).
func TestRead(t *testing.T) {
	type events = []sse.Event
	data := func(s string) sse.Event { return sse.Event{Data: []byte(s)} }
	for _, c := range []struct {
		name, stream string
		want         events
	}{
		{"nothing", "", nil},
		{"line ends", "data: 1\ndata: 2\n\ndata: 3\rdata: 4\r\rdata: 5\r\ndata: 6\r\n\r\n", events{data("1\n2"), data("3\n4"), data("5\n6")}},
		{"mixed line ends", "data:a\r\ndata:b\rdata:c\n\r\n", events{data("a\nb\nc")}},
		{"CR LF CR LF is one blank line", "data:a\r\n\r\ndata:b\r\n\r\n", events{data("a"), data("b")}},
		{"byte-order mark", "\uFEFFdata: 1\n\ndata: 2\n\n", events{data("1"), data("2")}},
		{"only one byte-order mark", "\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n", events{data("2")}},
		{"byte-order mark later", "data: 1\n\n\uFEFFdata: 2\n\ndata: 3\n\n", events{data("1"), data("3")}},
		{"comments", "data: 1\n: data: 2\n:\n:: data\ndata: 3\n\n", events{data("1\n3")}},
		{"a comment is no event", ":\n\n: x\n\ndata: 1\n\n", events{data("1")}},
		{"one space is not data", "data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\n", events{data("a"), data("a"), data(" a"), data("\ta")}},
		{"data without colon", "data\n\ndata\ndata\n\ndata:x\n\n", events{data(""), data("\n"), data("x")}},
		{"colon in data", "data:a:b\n\n", events{data("a:b")}},
		{"empty data", "data:\n\ndata:\ndata:\n\n", events{data(""), data("\n")}},
		{"no data, no event", "event: x\n\nid: 3\n\ndata: 1\n\n", events{{ID: "3", Data: []byte("1")}}},
		{"name", "event: a\ndata: 1\n\ndata: 2\n\n", events{{Name: "a", Data: []byte("1")}, data("2")}},
		{"last name counts", "event: a\nevent: b\ndata: 1\n\n", events{{Name: "b", Data: []byte("1")}}},
		{"empty name", "event: a\nevent:\ndata: 1\n\n", events{data("1")}},
		{"unknown fields", "data : 1\nDATA: 1\n data: 1\ndatax: 1\nretry: 9x\nretry: 10\ndata: 2\n\n", events{data("2")}},
		{"id stays", "id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n", events{{ID: "1", Data: []byte("a")}, {ID: "1", Data: []byte("b")}, {ID: "2", Data: []byte("c")}}},
		{"id is reset", "id: 1\ndata: a\n\nid\ndata: b\n\ndata: c\n\n", events{{ID: "1", Data: []byte("a")}, data("b"), data("c")}},
		{"id with NUL", "id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n", events{{ID: "1", Data: []byte("a")}, {ID: "1", Data: []byte("b")}}},
		{"NUL in data and name", "event: \x00\ndata: \x00\n\n", events{{Name: "\x00", Data: []byte("\x00")}}},
		{"cut off before the blank line", "data: 1\n\nid: 4\ndata: 2\n", events{data("1")}},
		{"cut off within a line", "data: 1\n\ndata: 2", events{data("1")}},
		{"UTF-8", "data: ok…\n\n", events{data("ok…")}},
		{"not UTF-8", "event: \xff\nid: \xff\ndata: a\xffb\n\n", events{{ID: "\uFFFD", Name: "\uFFFD", Data: []byte("a\uFFFDb")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"at once":      strings.NewReader(c.stream),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.stream)),
			} {
				got, err := readAll(r)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got, sameData); diff != "" {
					t.Errorf("read %s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// An event that ends in CR is complete with that CR. A reader that first wanted to see whether an LF follows would hold
// it back until there is something else to send.
func TestReadDoesNotWaitBehindCR(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, "data: now\r\r") // and nothing more
	}()
	for ev, err := range sse.Read(r) {
		if err != nil || string(ev.Data) != "now" {
			t.Errorf("data %q, error %v, want the event at once", ev.Data, err)
		}
		break
	}
	_ = r.Close()
}

func TestReadYieldsTheErrorLast(t *testing.T) {
	broken := errors.New("line cut")
	got, err := readAll(io.MultiReader(strings.NewReader("data: 1\n\ndata: 2\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if diff := cmp.Diff([]sse.Event{{Data: []byte("1")}}, got, sameData); diff != "" {
		t.Errorf("events before the error (-want +got):\n%s", diff)
	}
}

// TestOneBoundForBothEnds: the reader reads the longest event that the encoder makes, and both refuse a byte more.
func TestOneBoundForBothEnds(t *testing.T) {
	for name, unit := range map[string]string{"one line": "x", "many lines": "x\n", "not UTF-8": "\xffx"} {
		t.Run(name, func(t *testing.T) {
			one, err := sse.Event{ID: "1", Name: "n", Data: []byte(unit)}.AppendText(nil)
			must(t, err)
			two, err := sse.Event{ID: "1", Name: "n", Data: []byte(unit + unit)}.AppendText(nil)
			must(t, err)
			grows := len(two) - len(one)
			times := (sse.MaxEvent-len(one))/grows + 1
			data := strings.Repeat(unit, times) // the longest data of whole units
			wire, err := sse.Event{ID: "1", Name: "n", Data: []byte(data)}.AppendText(nil)
			must(t, err)
			data = strings.Repeat("x", sse.MaxEvent-len(wire)) + data // filled up to the last byte
			ev := sse.Event{ID: "1", Name: "n", Data: []byte(data)}
			wire, err = ev.AppendText(nil)
			if err != nil || len(wire) != sse.MaxEvent {
				t.Fatalf("the longest event: %d bytes, error %v, want %d", len(wire), err, sse.MaxEvent)
			}
			got, err := readAll(bytes.NewReader(append(wire, "data: next\n\n"...)))
			if err != nil || len(got) != 2 || len(got[0].Data) != len(asReceived(ev).Data) {
				t.Errorf("reading the longest event and another: %d events, error %v", len(got), err)
			}
			ev.Data = append([]byte("x"), ev.Data...)
			if more, err := ev.AppendText([]byte("before")); !errors.Is(err, sse.ErrTooLong) || string(more) != "before" {
				t.Errorf("encoding a byte more: %d bytes, error %v, want %v", len(more), err, sse.ErrTooLong)
			}
			more := strings.Replace(string(wire), "data: ", "data: x", 1)
			if _, err := readAll(strings.NewReader(more)); !errors.Is(err, sse.ErrTooLong) {
				t.Errorf("reading a byte more: error %v, want %v", err, sse.ErrTooLong)
			}
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	if _, err := readAll(repeat(": x\n")); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("comments without end: error %v, want %v", err, sse.ErrTooLong)
	}
	// The stream never ends. A reader that does not bound the event would read it indefinitely.
	if _, err := readAll(repeat("data: " + strings.Repeat("x", 1<<20) + "\n")); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("an event without end: error %v, want %v", err, sse.ErrTooLong)
	}
	if _, err := readAll(repeat("x")); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("a line without end: error %v, want %v", err, sse.ErrTooLong)
	}
	events := 0
	for _, err := range sse.Read(io.MultiReader(io.LimitReader(repeat(":\r\n\r\n"), sse.MaxEvent/5*5+20), strings.NewReader("data: 1\n\n"))) {
		must(t, err)
		events++
	}
	if events != 1 {
		t.Errorf("heartbeats and one event were read as %d events, want 1", events)
	}
}

// repeat is a reader that repeats s without end.
func repeat(s string) io.Reader { return &repeater{s: bytes.Repeat([]byte(s), 1+4096/len(s))} }

type repeater struct {
	s []byte
	r bytes.Reader
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.r.Len() == 0 {
		r.r.Reset(r.s)
	}
	return r.r.Read(p)
}
