package desk

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/worker/sse"
)

// Desk keeps the analyses of one replica. Its methods are safe for concurrent use.
type Desk struct {
	cfg Config // fixed

	mu      sync.Mutex
	known   map[string]*Analysis // by id
	keys    map[string]*Analysis // by idempotency key
	queue   []*Analysis          // waiting analyses, the oldest first
	running int                  // goroutines of analyses; each counts itself off as its last act
	readers int
	bytes   int64
	took    time.Duration // about how long an analysis runs; 0 before the first has ended
	closed  bool
	changed chan struct{} // closed, and replaced, whenever room becomes free
}

// New returns a desk without analyses, or an error that names the fault in its configuration.
func New(cfg Config) (*Desk, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	return &Desk{cfg: cfg, known: map[string]*Analysis{}, keys: map[string]*Analysis{}, changed: make(chan struct{})}, nil
}

// Start takes an order and returns a reader of its analysis, which the caller closes. The analysis runs at once, or
// when a running analysis has ended. It keeps the values of ctx, continues after the end of ctx, and ends when it has
// had no reader for [Config.Linger]. The errors are a [*FullError], [ErrTooHeavy], [ErrKeyReused], [ErrNotSeen] and
// [ErrClosed]. The desk keeps nothing of a refused order, and its key is free.
func (d *Desk) Start(ctx context.Context, o Order) (*Reader, error) {
	weight := max(0, o.Weight) + int64(d.cfg.LogBytes) + keptOverhead
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	if known := d.keys[o.Key]; known != nil && o.Key != "" {
		if known.digest != o.Digest {
			return nil, ErrKeyReused
		}
		return known.readLocked(o.After)
	}
	switch {
	case weight > d.cfg.Bytes:
		return nil, ErrTooHeavy
	case d.bytes+weight > d.cfg.Bytes:
		return nil, d.fullLocked("bytes")
	case d.running >= d.cfg.Running && len(d.queue) >= d.cfg.Waiting:
		return nil, d.fullLocked("analyses")
	}
	a := &Analysis{
		desk: d, id: d.cfg.Name + "." + rand.Text(), key: o.Key, digest: o.Digest, work: o.Work, state: Waiting, bytes: weight,
		log: log{limit: d.cfg.LogBytes / 2, moved: make(chan struct{})},
	}
	r, err := a.readLocked(0)
	if err != nil {
		return nil, err
	}
	a.ctx, a.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	d.known[a.id] = a
	if o.Key != "" {
		d.keys[o.Key] = a
	}
	d.bytes += weight
	d.queue = append(d.queue, a)
	d.launchLocked()
	return r, nil
}

// Find returns the analysis with an id. The error is [ErrUnknown], or an [*ElsewhereError] for the id of another
// replica.
func (d *Desk) Find(id string) (*Analysis, error) {
	at := strings.LastIndexByte(id, '.')
	if at < 1 {
		return nil, ErrUnknown
	}
	if name := id[:at]; name != d.cfg.Name {
		return nil, &ElsewhereError{Replica: name}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.known[id]; a != nil {
		return a, nil
	}
	return nil, ErrUnknown
}

// Counts counts what a desk has at a moment.
type Counts struct {
	Waiting, Running, Ended, Readers int
	Bytes                            int64
}

// Counts returns the present counts.
func (d *Desk) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := Counts{Waiting: len(d.queue), Running: d.running, Readers: d.readers, Bytes: d.bytes}
	for _, a := range d.known {
		if a.state == Ended {
			c.Ended++
		}
	}
	return c
}

// launchLocked starts waiting analyses, as far as there is room.
func (d *Desk) launchLocked() {
	for d.running < d.cfg.Running && len(d.queue) > 0 {
		a := d.queue[0]
		d.queue = slices.Delete(d.queue, 0, 1)
		work := a.work
		a.work, a.state = nil, Running
		d.running++
		began := time.Now()
		go func() {
			var last []sse.Event
			ended := false
			// Deferred, because work may end its goroutine without returning.
			defer func() {
				if !ended {
					last = d.cfg.Last(&PanicError{})
				}
				a.finish(last)
				a.cancel(nil)
				d.returned(time.Since(began))
			}()
			last, ended = a.run(work), true
		}()
	}
}

// returned gives the place of an analysis to the next one.
func (d *Desk) returned(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running--
	if d.took == 0 {
		d.took = took
	}
	d.took += (took - d.took) / 8
	d.launchLocked()
	d.changeLocked()
}

// leaveQueueLocked removes an analysis from the queue, and reports whether it was in the queue.
func (d *Desk) leaveQueueLocked(a *Analysis) bool {
	at := slices.Index(d.queue, a)
	if at >= 0 {
		d.queue = slices.Delete(d.queue, at, at+1)
	}
	return at >= 0
}

// lingerLocked begins the time after which an analysis without readers ends. On a desk that closes, no reader comes
// back.
func (d *Desk) lingerLocked(a *Analysis) {
	after := d.cfg.Linger
	if d.closed {
		after = 0
	}
	a.laterLocked(after, func() { a.End(ErrLeft) })
}

func (d *Desk) forget(a *Analysis) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetLocked(a)
}

func (d *Desk) forgetLocked(a *Analysis) {
	delete(d.known, a.id)
	if d.keys[a.key] == a {
		delete(d.keys, a.key)
	}
	d.bytes -= a.bytes
	d.changeLocked()
}

// fullLocked returns a refusal with the time until room is expected: until about as many analyses have ended as wait.
func (d *Desk) fullLocked(of string) *FullError {
	after := 10 * time.Second
	if d.took > 0 {
		after = d.took * time.Duration(len(d.queue)+1) / time.Duration(d.cfg.Running)
	}
	return &FullError{Of: of, RetryAfter: min(max(after.Round(time.Second), time.Second), 5*time.Minute)}
}

func (d *Desk) changeLocked() {
	close(d.changed)
	d.changed = make(chan struct{})
}
