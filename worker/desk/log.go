package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/weir-go/weir/worker/sse"
)

// log holds the events of one analysis. It is safe for concurrent use.
type log struct {
	limit int // bytes of the events before the last ones

	mu      sync.Mutex
	entries []entry // by seq
	last    uint64  // the newest seq
	bytes   int
	ended   bool
	moved   chan struct{} // closed, and replaced, with every event and with the end
}

type entry struct {
	seq   uint64
	frame sse.Frame
}

// overhead is how many bytes an entry takes in addition to its key and its frame.
const overhead = 64

func (e entry) size() int { return e.frame.Len() + len(e.frame.Key()) + overhead }

// add appends an event and gives it the next id. If the log is full, it removes events that a later event of the same
// key has replaced.
func (l *log) add(ev sse.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return ErrEnded
	}
	e, err := l.next(ev)
	if err != nil {
		return err
	}
	if l.bytes+e.size() > l.limit {
		l.compact(ev.Key)
		if l.bytes+e.size() > l.limit {
			return ErrLogFull
		}
	}
	l.push(e)
	return nil
}

// end appends the last events, if they take at most limit bytes; otherwise it appends those that others makes of the
// reason. It returns whether this call has ended the log, and how many bytes the log takes now.
func (l *log) end(last []sse.Event, others func(reason error) []sse.Event) (first bool, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false, l.bytes
	}
	l.compact("")
	entries, err := l.encode(last)
	if err != nil {
		entries, _ = l.encode(others(err)) // if these do not fit either, the log ends without last events
	}
	for _, e := range entries {
		l.push(e)
	}
	l.ended = true
	l.entries = slices.Clip(l.entries)
	l.wake()
	return true, l.bytes
}

func (l *log) encode(last []sse.Event) (entries []entry, err error) {
	bytes, seq := 0, l.last
	for _, ev := range last {
		seq++
		ev.ID = strconv.FormatUint(seq, 10)
		frame, err := ev.Frame()
		if err != nil {
			return nil, err
		}
		e := entry{seq, frame}
		if bytes += e.size(); bytes > l.limit {
			return nil, fmt.Errorf("%w: its last events take more than %d bytes", ErrLogFull, l.limit)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (l *log) next(ev sse.Event) (entry, error) {
	ev.ID = strconv.FormatUint(l.last+1, 10)
	frame, err := ev.Frame()
	return entry{l.last + 1, frame}, err
}

func (l *log) push(e entry) {
	l.entries = append(l.entries, e)
	l.last = e.seq
	l.bytes += e.size()
	l.wake()
}

// compact removes events whose key a later event has, or the coming event with the given key.
func (l *log) compact(key string) {
	newer := map[string]bool{key: key != ""}
	kept := len(l.entries)
	for _, e := range slices.Backward(l.entries) {
		k := e.frame.Key()
		if newer[k] {
			l.bytes -= e.size()
			continue
		}
		newer[k] = k != ""
		kept--
		l.entries[kept] = e
	}
	l.entries = slices.Delete(l.entries, 0, kept)
}

func (l *log) wake() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// after returns the first event after a given one, if it exists; else whether the log has ended, and a channel that is
// closed when that changes.
func (l *log) after(seq uint64) (e entry, ok, ended bool, moved <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := slices.BinarySearchFunc(l.entries, seq+1, func(e entry, seq uint64) int { return cmp.Compare(e.seq, seq) })
	if at < len(l.entries) {
		return l.entries[at], true, false, nil
	}
	return entry{}, false, l.ended, l.moved
}

func (l *log) newest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
