package page

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/worker/sse"
)

// poller reads reports for all readers.
type poller struct {
	src         *watch.Source // these are fixed
	interval    time.Duration
	stale       time.Duration
	mostReaders int
	write       bool      // the page may change the fleet
	began       time.Time // when the clock of hello and of read_ms began

	wake chan struct{} // capacity 1: there is a reader
	turn chan struct{} // capacity 1: held while Redis is read

	mu      sync.Mutex
	readers int
	last    reading
	past    past
	changed chan struct{} // closed, and replaced, by each reading
}

// reading is the result of the attempts to read so far.
type reading struct {
	seq     uint64         // the number of the last attempt, 0 before the first
	tried   time.Time      // when the last attempt ended
	report  *report.Report // the last report that could be read, nil before the first
	frame   sse.Frame      // of report
	err     error          // of the last attempt
	trouble sse.Frame      // of err
}

// errFull is returned to a reader above the maximum number of readers.
var errFull = errors.New("page: too many readers")

func newPoller(cfg Config) *poller {
	return &poller{
		src: cfg.Source, interval: cfg.Interval, stale: cfg.Stale, mostReaders: cfg.Readers, began: time.Now(), write: cfg.By != "",
		wake: make(chan struct{}, 1), turn: make(chan struct{}, 1), changed: make(chan struct{}),
	}
}

// run reads once an interval while there are readers, until ctx ends.
func (p *poller) run(ctx context.Context) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		for p.wanted() {
			if _, err := p.read(ctx, 0); err != nil && ctx.Err() != nil {
				return
			}
			select {
			case <-time.After(p.interval):
			case <-ctx.Done():
				return
			}
		}
	}
}

func (p *poller) wanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readers > 0
}

// read returns the result of the last attempt if it is younger than fresh. Otherwise it reads Redis.
func (p *poller) read(ctx context.Context, fresh time.Duration) (*report.Report, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if last, _ := p.look(); last.seq > 0 && time.Since(last.tried) < fresh {
		return last.report, last.err
	}
	r, err := p.src.Read(ctx)
	if ctx.Err() != nil { // such an error says nothing about Redis
		return r, err
	}
	p.note(r, err)
	return r, err
}

// note stores the result of an attempt and wakes the readers.
func (p *poller) note(r *report.Report, err error) {
	now := time.Now()
	var frame sse.Frame
	if err == nil {
		frame, err = reportFrame(r, now.Sub(p.began))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.seq, p.last.tried, p.last.err = p.last.seq+1, now, err
	if err == nil {
		p.last.report, p.last.frame, p.last.trouble = r, frame, sse.Frame{}
		p.past.add(r)
	} else {
		p.last.trouble = troubleFrame(err)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// look returns the last reading, and a channel that the next one closes.
func (p *poller) look() (reading, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.changed
}

// join returns a new reader, or errFull.
func (p *poller) join() (*reader, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.readers == p.mostReaders {
		return nil, errFull
	}
	if p.readers++; p.readers == 1 {
		if time.Since(p.last.tried) >= p.interval { // the last reading is old, and a new one begins at once
			p.last = reading{}
		}
		select {
		case p.wake <- struct{}{}:
		default: // the poller is being woken already
		}
	}
	return &reader{poller: p, next: []sse.Frame{p.helloLocked()}}, nil
}

// reader is one stream. It belongs to the goroutine of its handler.
type reader struct {
	poller *poller
	seen   uint64      // the reading that was sent last, 0 for none
	next   []sse.Frame // to be sent
}

// frame waits for the next frame, for [sse.Writer.Serve]. It leaves out readings that were made while the client was slow.
func (r *reader) frame(ctx context.Context) (sse.Frame, error) {
	for len(r.next) == 0 {
		last, changed := r.poller.look()
		if last.seq == r.seen {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return sse.Frame{}, ctx.Err()
			}
		}
		if last.report != nil && (last.err == nil || r.seen == 0) { // a new reader gets the last report, even if it is old
			r.next = append(r.next, last.frame)
		}
		if last.err != nil {
			r.next = append(r.next, last.trouble)
		}
		r.seen = last.seq
	}
	f := r.next[0]
	r.next = r.next[1:]
	return f, nil
}

func (r *reader) leave() {
	r.poller.mu.Lock()
	defer r.poller.mu.Unlock()
	r.poller.readers--
}
