package sse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

func event(data string) sse.Event { return sse.Event{Data: []byte(data)} }

func keyed(key, data string) sse.Event { return sse.Event{Key: key, Data: []byte(data)} }

// serve runs Serve as a handler would, and returns what gives its result.
func serve(ctx context.Context, w *sse.Writer) (result <-chan error) {
	c := make(chan error, 1)
	go func() { c <- w.Serve(ctx) }()
	return c
}

func newWriter(t *testing.T, cfg sse.Config, m *memory) *sse.Writer {
	t.Helper()
	w, err := cfg.NewWriter(m)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// bytesOf is what events take in a queue.
func bytesOf(events ...sse.Event) (n int) {
	for _, ev := range events {
		f, err := ev.Frame()
		if err != nil {
			panic(err)
		}
		n += f.Len() + len(ev.Key) + 64
	}
	return n
}

// must fails the test on an error; it takes the place of a statement.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigRefusesNegatives(t *testing.T) {
	for _, cfg := range []sse.Config{{WriteTimeout: -1}, {Heartbeat: -1}, {QueueBytes: -1}} {
		m := newMemory(t)
		if _, err := cfg.NewWriter(m); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
		if len(m.header) > 0 {
			t.Errorf("%+v: refused, and headers %v set", cfg, m.header)
		}
	}
}

func TestWriteReturnsWhenFlushed(t *testing.T) {
	m := newMemory(t)
	w := newWriter(t, sse.Config{}, m)
	result := serve(t.Context(), w)
	must(t, w.WriteAsync(event("1")))
	must(t, w.Write(t.Context(), sse.Event{ID: "7", Name: "done"}))
	if diff := cmp.Diff("data: 1\n\nid: 7\nevent: done\ndata: \n\n", m.seen()); diff != "" {
		t.Error(diff)
	}
	w.Close()
	must(t, <-result)
}

func TestFieldErrorsReachTheCaller(t *testing.T) {
	w := newWriter(t, sse.Config{}, newMemory(t))
	bad := sse.Event{Name: "a\nb"}
	if _, ok := errors.AsType[*sse.FieldError](w.Write(t.Context(), bad)); !ok {
		t.Error("Write took it")
	}
	if _, ok := errors.AsType[*sse.FieldError](w.WriteAsync(bad)); !ok {
		t.Error("WriteAsync took it")
	}
	long := sse.Event{Data: make([]byte, sse.MaxEvent)}
	if err := w.Write(t.Context(), long); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("Write of an event that no reader takes: %v", err)
	}
	if err := w.WriteAsync(long); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("WriteAsync: %v", err)
	}
}

// Each producer's events arrive in its order, none is missing and none comes twice, whoever sends at the same time.
func TestOrder(t *testing.T) {
	const producers, each = 4, 50
	m := newMemory(t)
	w := newWriter(t, sse.Config{QueueBytes: producers * each * 128}, m)
	result := serve(t.Context(), w)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				ev := sse.Event{Name: fmt.Sprint(p), Data: fmt.Append(nil, i)}
				var err error
				if i%10 == 9 {
					err = w.Write(t.Context(), ev)
				} else {
					err = w.WriteAsync(ev)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.Close()
	must(t, <-result)
	got, err := readAll(strings.NewReader(m.seen()))
	must(t, err)
	next := map[string]int{}
	for _, ev := range got {
		if want := fmt.Sprint(next[ev.Name]); string(ev.Data) != want {
			t.Fatalf("producer %s: event %s, want %s", ev.Name, ev.Data, want)
		}
		next[ev.Name]++
	}
	if len(got) != producers*each {
		t.Errorf("%d events, want %d", len(got), producers*each)
	}
}

// Flush waits for what was queued before it and for nothing that comes after it.
func TestFlushIsACheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.block = make(chan struct{})
		w := newWriter(t, sse.Config{}, m)
		must(t, w.Flush(t.Context())) // nothing queued, and nobody serves yet
		result := serve(t.Context(), w)
		must(t, w.WriteAsync(event("1")))
		must(t, w.WriteAsync(event("2")))
		flushed := make(chan string, 1)
		go func() {
			if err := w.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			flushed <- m.seen()
		}()
		synctest.Wait()
		must(t, w.WriteAsync(event("3")))
		m.block <- struct{}{}
		synctest.Wait()
		select {
		case seen := <-flushed:
			t.Fatalf("Flush returned with %q sent", seen)
		default:
		}
		m.block <- struct{}{}
		if diff := cmp.Diff("data: 1\n\ndata: 2\n\n", <-flushed); diff != "" {
			t.Error(diff)
		}
		close(m.block)
		w.Close()
		must(t, <-result)
	})
}

func TestFlushAndWriteEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m) // nobody serves
		must(t, w.WriteAsync(event("1")))
		why := errors.New("had enough")
		for name, call := range map[string]func(context.Context) error{
			"Flush": w.Flush,
			"Write": func(ctx context.Context) error { return w.Write(ctx, event("2")) },
		} {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
			if err := call(ctx); !errors.Is(err, why) {
				t.Errorf("%s: %v", name, err)
			}
			if err := call(ctx); !errors.Is(err, why) {
				t.Errorf("%s with a context that had ended: %v", name, err)
			}
			cancel()
		}
		result := serve(t.Context(), w)
		must(t, w.Flush(t.Context()))
		w.Close()
		must(t, <-result)
		if diff := cmp.Diff("data: 1\n\n", m.seen()); diff != "" {
			t.Errorf("what Write gave up was sent all the same: %s", diff)
		}
	})
}

func TestFullQueue(t *testing.T) {
	for _, c := range []struct {
		name   string
		queued []sse.Event // all fit
		more   sse.Event
		err    error
		want   []string
	}{
		{"lags", []sse.Event{event("1"), event("2"), event("3")}, event("4"), sse.ErrLagging, []string{"1", "2", "3"}},
		{"other keys only", []sse.Event{keyed("a", "1"), keyed("b", "2"), event("3")}, keyed("c", "4"), sse.ErrLagging, []string{"1", "2", "3"}},
		{"newest of a key", []sse.Event{keyed("a", "1"), event("2"), keyed("b", "3")}, keyed("a", "4"), nil, []string{"2", "3", "4"}},
		{"room for an event without key", []sse.Event{keyed("a", "1"), event("2"), keyed("a", "3")}, event("4"), nil, []string{"2", "3", "4"}},
		{"an event of many bytes", []sse.Event{event("1"), event("2")}, event(strings.Repeat("x", 100)), sse.ErrLagging, []string{"1", "2"}},
		{"an event of as many bytes as a count", []sse.Event{event("1"), keyed("a", strings.Repeat("x", 100))}, keyed("a", strings.Repeat("y", 100)), nil, []string{"1", strings.Repeat("y", 100)}},
		{"the longest event alone", nil, event(strings.Repeat("x", 1000)), nil, []string{strings.Repeat("x", 1000)}},
		{"all of a key", []sse.Event{keyed("a", "1"), keyed("a", "2"), keyed("a", "3")}, keyed("a", "4"), nil, []string{"4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t)
			w := newWriter(t, sse.Config{QueueBytes: max(1, bytesOf(c.queued...))}, m)
			for _, ev := range c.queued {
				must(t, w.WriteAsync(ev))
			}
			if err := w.WriteAsync(c.more); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			w.Close()
			must(t, w.Serve(t.Context()))
			got, err := readAll(strings.NewReader(m.seen()))
			must(t, err)
			var data []string
			for _, ev := range got {
				data = append(data, string(ev.Data))
			}
			if diff := cmp.Diff(c.want, data); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// While the client keeps up, every event arrives, also those that a newer one would replace.
func TestKeysMatterOnlyWhenFull(t *testing.T) {
	m := newMemory(t)
	w := newWriter(t, sse.Config{}, m)
	must(t, w.WriteAsync(keyed("a", "1")))
	must(t, w.WriteAsync(keyed("a", "2")))
	w.Close()
	must(t, w.Serve(t.Context()))
	if diff := cmp.Diff("data: 1\n\ndata: 2\n\n", m.seen()); diff != "" {
		t.Error(diff)
	}
}

// What a Write or Flush waits for is not left out for a newer event.
func TestAwaitedEventsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{QueueBytes: bytesOf(keyed("a", "1"), keyed("a", "2"))}, m)
		must(t, w.WriteAsync(keyed("a", "1")))
		wrote := make(chan error, 1)
		go func() { wrote <- w.Write(t.Context(), keyed("a", "2")) }()
		synctest.Wait()
		if err := w.WriteAsync(keyed("a", "3")); !errors.Is(err, sse.ErrLagging) {
			t.Errorf("error %v, want ErrLagging", err)
		}
		w.Close()
		must(t, w.Serve(t.Context()))
		must(t, <-wrote)
		if diff := cmp.Diff("data: 1\n\ndata: 2\n\n", m.seen()); diff != "" {
			t.Error(diff)
		}
	})
}
