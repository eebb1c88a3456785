package sse_test

import (
	"testing"

	"github.com/weir-go/weir/worker/sse"
)

func event(data string) sse.Event { return sse.Event{Data: []byte(data)} }

func frame(t *testing.T, ev sse.Event) sse.Frame {
	t.Helper()
	f, err := ev.Frame()
	must(t, err)
	return f
}

func newWriter(t *testing.T, cfg sse.Config, m *memory) *sse.Writer {
	t.Helper()
	w, err := cfg.NewWriter(m)
	must(t, err)
	return w
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigRefusesNegatives(t *testing.T) {
	for _, cfg := range []sse.Config{{WriteTimeout: -1}, {Heartbeat: -1}} {
		m := newMemory(t)
		if _, err := cfg.NewWriter(m); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
		if len(m.header) > 0 {
			t.Errorf("%+v was refused, but set the headers %v", cfg, m.header)
		}
	}
}
