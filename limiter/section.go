package limiter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// sections are the parts of a replica's record that other packages publish.
type sections struct {
	mu sync.Mutex
	of map[string]func() any
}

// Section publishes what a function returns, as JSON under a name, with the [Record] of this replica. One goroutine of
// the limiter calls the function every 2 s, so the function must be quick. A name has one function: the latest one
// counts, and nil ends the section. All sections of a replica together may have 6 KiB of JSON. If they have more, the
// largest are left out and the limiter logs that. Buckets in memory publish nothing. Section is safe for concurrent
// use.
func (l *Limiter) Section(name string, value func() any) error {
	if err := ValidateName("section", name); err != nil {
		return err
	}
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	s := &l.sections
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == nil {
		delete(s.of, name)
		return nil
	}
	if s.of == nil {
		s.of = map[string]func() any{}
	}
	s.of[name] = value
	return nil
}

// encoded returns what a function returns, as JSON. If the function panics, its section is missing, and the process
// continues.
func encoded(value func() any) (text []byte, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("its function panicked: %v", fault)
		}
	}()
	return json.Marshal(value())
}

// texts returns the sections as JSON. It leaves out sections that cannot be encoded, or are too large together, and
// logs that.
func (s *sections) texts(ctx context.Context, l *Limiter) (out map[string]json.RawMessage, omitted int) {
	s.mu.Lock()
	of := maps.Clone(s.of)
	s.mu.Unlock()
	out = make(map[string]json.RawMessage, len(of))
	size := 0
	leaveOut := func(name string, why any) {
		if delete(out, name); l.notices.due("section " + name) {
			l.s.Logger.WarnContext(ctx, "a section of this replica is not published", "namespace", l.s.Namespace, "section", name, "error", why)
		}
		omitted++
	}
	for name, value := range of {
		text, err := encoded(value)
		if err != nil {
			leaveOut(name, err)
			continue
		}
		out[name] = text
		size += len(name) + len(text) + len(`"":,`)
	}
	for size > maxSections {
		largest := slices.MaxFunc(sorted(out), func(a, b string) int { return len(out[a]) - len(out[b]) })
		size -= len(largest) + len(out[largest]) + len(`"":,`)
		leaveOut(largest, "all sections of a replica may have 6 KiB")
	}
	return out, omitted
}
