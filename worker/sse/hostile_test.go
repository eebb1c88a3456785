package sse_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

var full = flag.Bool("full", false, "send a hundred times as many hostile events")

// received is an event as an EventSource dispatches it.
type received struct{ ID, Name, Data string }

// decode is the standard's interpretation of an event stream, on a whole text, and shares nothing with Read. The data buffer gets a line feed
// after each line and loses the last one, as the standard describes it.
func decode(text string) (events []received) {
	text = strings.TrimPrefix(strings.ToValidUTF8(text, "\uFFFD"), "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	lines := strings.Split(text, "\n")
	var id, name, data string
	for _, line := range lines[:len(lines)-1] { // text behind the last line end is no line
		if line == "" {
			if data != "" {
				events = append(events, received{id, name, data[:len(data)-1]})
			}
			name, data = "", ""
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		if value != "" && value[0] == ' ' {
			value = value[1:]
		}
		switch field {
		case "data":
			data += value + "\n"
		case "event":
			name = value
		case "id":
			if !strings.Contains(value, "\x00") {
				id = value
			}
		}
	}
	return events
}

// TestDecode: decode reads the examples of the standard as the standard shows them.
func TestDecode(t *testing.T) {
	for text, want := range map[string][]received{
		"data: YHOO\ndata: +2\ndata: 10\n\n": {{Data: "YHOO\n+2\n10"}},
		": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event": {{ID: "1", Data: "first event"}, {Data: "second event"}},
		"data\n\ndata\ndata\n\ndata:":            {{}, {Data: "\n"}},
		"data:test\n\ndata: test\n\n":            {{Data: "test"}, {Data: "test"}},
		"\uFEFFevent: a\r\ndata: b\r\rid: 1\n\n": {{Name: "a", Data: "b"}},
	} {
		if diff := cmp.Diff(want, decode(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// TestNoInputInjects sends events whose fields are put together at random from pieces that have a meaning in a stream. decode returns the events that were sent, with equal fields.
func TestNoInputInjects(t *testing.T) {
	rounds := 10_000
	if *full {
		rounds = 1_000_000
	}
	pieces := []string{
		"\r", "\n", "\r\n", "\n\n", "\r\r", "\n\r", "\x00", " ", ":", ": ", "data: evil", "event: evil", "id: evil", "retry: 1", "data", "\n\ndata: evil\n\n", "\rdata: evil\r\r",
		"\uFEFF", "\uFFFD", "\u2028", "\u2029", "\u0085", "\v", "\f", "\xff", "\xc3", "\xe2\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "😀", "x", `{"a":"b\n"}`, "",
	}
	text := func(rng *rand.Rand, most int) string {
		var b strings.Builder
		for range rng.IntN(most + 1) {
			if rng.IntN(8) == 0 {
				b.WriteByte(byte(rng.IntN(256)))
			} else {
				b.WriteString(pieces[rng.IntN(len(pieces))])
			}
		}
		return b.String()
	}
	seed := uint64(time.Now().UnixNano())
	refused := 0
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		var want []received
		var events []sse.Event
		id := ""
		for range 1 + rng.IntN(3) {
			ev := sse.Event{ID: text(rng, 2), Name: text(rng, 2), Data: []byte(text(rng, 12))}
			_, err := ev.Frame()
			if strings.ContainsAny(ev.ID+ev.Name, "\r\n\x00") {
				refused++
				if _, ok := errors.AsType[*sse.FieldError](err); !ok {
					t.Fatalf("seed %d, round %d: %+v was refused with %v, want a FieldError", seed, round, ev, err)
				}
				continue
			}
			must(t, err)
			events = append(events, ev)
			if ev.ID != "" {
				id = whole(ev.ID)
			}
			want = append(want, received{id, whole(ev.Name), lineFeeds(whole(string(ev.Data)))})
		}
		m := newMemory(t)
		must(t, newWriter(t, sse.Config{}, m).Serve(t.Context(), list(t, events...)))
		stream := m.seen()
		if !utf8.ValidString(stream) {
			t.Fatalf("seed %d, round %d: not UTF-8: %q", seed, round, stream)
		}
		if rng.IntN(2) == 0 {
			stream = ":\n\n" + stream + ":\n\n"
		}
		if diff := cmp.Diff(want, decode(stream)); diff != "" {
			t.Fatalf("seed %d, round %d: %q (-sent +received):\n%s", seed, round, stream, diff)
		}
	}
	t.Logf("%d streams; %d events refused for their id or name", rounds, refused)
	if refused == 0 {
		t.Error("no event was refused: the pieces are not hostile")
	}
}

// whole replaces each run of bytes that are not UTF-8 by one character, as the package documents.
func whole(s string) string {
	var b strings.Builder
	bad := false
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			if !bad {
				fmt.Fprint(&b, "\uFFFD")
			}
			bad = true
		} else {
			b.WriteString(s[i : i+n])
			bad = false
		}
		i += n
	}
	return b.String()
}

func lineFeeds(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
