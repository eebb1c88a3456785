package sse_test

import (
	"bytes"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"
)

// memory is a ResponseWriter that needs no socket, so that it works in a bubble of virtual time. It fails the test when
// it is used in a way that http.ResponseWriter forbids.
type memory struct {
	tb testing.TB

	// fail, if not nil, is what every write returns.
	fail error

	mu       sync.Mutex
	header   http.Header
	pending  bytes.Buffer
	flushed  bytes.Buffer
	longest  int // of the writes, in bytes
	deadline time.Time
	broken   bool
}

func newMemory(tb testing.TB) *memory {
	return &memory{tb: tb, header: http.Header{}}
}

func (m *memory) Header() http.Header { return m.header }
func (m *memory) WriteHeader(int)     {}

func (m *memory) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkDeadline("written")
	if m.fail != nil {
		m.broken = true
		return 0, m.fail
	}
	m.longest = max(m.longest, len(p))
	m.deadline = time.Time{} // each write needs its own
	return m.pending.Write(p)
}

func (m *memory) FlushError() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checkDeadline("flushed")
	if m.broken {
		m.tb.Error("flushed after a failed write")
	}
	_, err := m.pending.WriteTo(&m.flushed)
	return err
}

func (m *memory) SetWriteDeadline(t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !t.IsZero() && !t.After(time.Now()) {
		return errors.New("a deadline that has passed")
	}
	m.deadline = t
	return nil
}

func (m *memory) checkDeadline(verb string) {
	if !m.deadline.After(time.Now()) {
		m.tb.Errorf("%s without a deadline in the future", verb)
	}
}

// seen returns what the client has received so far.
func (m *memory) seen() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.flushed.String()
}

func (m *memory) hasDeadline() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.deadline.IsZero()
}
