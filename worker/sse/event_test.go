package sse_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/sse"
)

func TestAppendText(t *testing.T) {
	for _, c := range []struct {
		name string
		ev   sse.Event
		want string
	}{
		{"data only", sse.Event{Data: []byte("x")}, "data: x\n\n"},
		{"all fields", sse.Event{ID: "7", Name: "progress", Data: []byte("x"), Key: "k"}, "id: 7\nevent: progress\ndata: x\n\n"},
		{"no data is a line", sse.Event{Name: "done"}, "event: done\ndata: \n\n"},
		{"every line end", sse.Event{Data: []byte("a\rb\r\nc\nd\n\re")}, "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n"},
		{"trailing line end", sse.Event{Data: []byte("a\n")}, "data: a\ndata: \n\n"},
		{"a field in the data", sse.Event{Data: []byte("a\nevent: evil\n\n")}, "data: a\ndata: event: evil\ndata: \ndata: \n\n"},
		{"leading space survives", sse.Event{Data: []byte(" a")}, "data:  a\n\n"},
		{"not UTF-8", sse.Event{ID: "\xff", Name: "\xc3", Data: []byte("a\xffb")}, "id: \uFFFD\nevent: \uFFFD\ndata: a\uFFFDb\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.ev.AppendText([]byte("before|"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("before|"+c.want, string(got)); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendTextRefusesFieldBreaks(t *testing.T) {
	for _, brk := range []string{"\r", "\n", "\r\n", "\x00"} {
		for field, ev := range map[string]sse.Event{
			"id":    {ID: "a" + brk + "data: evil"},
			"event": {Name: "a" + brk},
		} {
			got, err := ev.AppendText([]byte("before"))
			fe, ok := errors.AsType[*sse.FieldError](err)
			if !ok || fe.Field != field {
				t.Errorf("%s with %q: error %v, want a FieldError of %s", field, brk, err, field)
			}
			if string(got) != "before" {
				t.Errorf("%s with %q: refused, and appended %q", field, brk, got)
			}
		}
	}
}

// asReceived returns ev as a client receives it.
func asReceived(ev sse.Event) sse.Event {
	data := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(string(ev.Data), "\uFFFD"))
	return sse.Event{
		ID:   strings.ToValidUTF8(ev.ID, "\uFFFD"),
		Name: strings.ToValidUTF8(ev.Name, "\uFFFD"),
		Data: []byte(data),
	}
}

// checkRoundTrip checks the promise of the encoder: a client receives each event as it was sent and nothing else,
// whatever the event contains and whatever is sent before and after it.
func checkRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, ev sse.Event,
) {
	t.Helper()
	wire, err := ev.AppendText(nil)
	if strings.ContainsAny(ev.ID+ev.Name, "\r\n\x00") {
		if err == nil {
			t.Fatalf("%+v was encoded as %q", ev, wire)
		}
		return
	}
	if err != nil {
		t.Fatalf("encoding %+v: %v", ev, err)
	}
	sentinel := sse.Event{ID: "last", Name: "sentinel", Data: []byte("s")}
	if wire, err = sentinel.AppendText(wire); err != nil {
		t.Fatalf("encoding the sentinel: %v", err)
	}
	got, err := readAll(bytes.NewReader(wire))
	if err != nil {
		t.Fatalf("reading %q: %v", wire, err)
	}
	if diff := cmp.Diff([]sse.Event{asReceived(ev), sentinel}, got, sameData); diff != "" {
		t.Fatalf("%+v, on the wire %q: %s", ev, wire, diff)
	}
}

func TestRoundTrip(t *testing.T) {
	nasty := rapid.StringOfN(rapid.SampledFrom([]rune("ab: \r\n\x00\uFEFFé\uFFFD")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		field := rapid.OneOf(rapid.StringMatching(`[^\r\n\x00]*`), nasty)
		checkRoundTrip(t, sse.Event{
			ID:   field.Draw(t, "id"),
			Name: field.Draw(t, "name"),
			Data: []byte(rapid.OneOf(nasty, rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "data")),
		})
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("", "", []byte(nil))
	f.Add("1", "progress", []byte(`{"done":1,"total":2}`))
	f.Add("1", "x", []byte("a\r\n\r\nevent: evil\rdata: y\n\n"))
	f.Add(" 1", ":", []byte("\xef\xbb\xbf\xff: "))
	f.Add("a\nb", "c\rd", []byte("\x00"))
	f.Fuzz(func(t *testing.T, id, name string, data []byte) {
		checkRoundTrip(t, sse.Event{ID: id, Name: name, Data: data})
	})
}
