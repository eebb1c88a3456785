package gate

import (
	"context"
	"io"
	"sync"
	"time"
)

// arrival reads a body from its connection while the body makes progress.
type arrival struct {
	in       io.Reader // these are fixed
	deadline func(time.Time) error
	patience time.Duration
	progress int64
	limit    int64

	bytes, mark int64     // bytes that have arrived, now and when the deadline was set; owned by the reading goroutine
	until       time.Time // the deadline

	mu    sync.Mutex // guards ended and each setting of the deadline
	ended bool
}

// Read returns [os.ErrDeadlineExceeded] for a body that comes too slowly, errTooLarge for a body above the limit, and
// errEnding once the arrival was ended.
func (a *arrival) Read(p []byte) (int, error) {
	if a.until.IsZero() || a.bytes-a.mark >= a.progress {
		a.mark, a.until = a.bytes, time.Now().Add(a.patience)
		if err := a.set(a.until); err != nil {
			return 0, err
		}
	}
	n, err := a.in.Read(p)
	a.bytes += int64(n)
	switch {
	case a.bytes > a.limit:
		return n, errTooLarge
	case err != nil && err != io.EOF && a.isEnded():
		return n, errEnding
	}
	return n, err
}

func (a *arrival) set(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return errEnding
	}
	return a.deadline(t)
}

func (a *arrival) isEnded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// over removes the deadline: after the body the server waits for the client to leave, however long the answer takes.
func (a *arrival) over() error { return a.set(time.Time{}) }

// endWith ends the arrival when ctx ends, even during a Read. After release it no longer touches the connection.
func (a *arrival) endWith(ctx context.Context) (release func()) {
	released := false
	stop := context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !released {
			a.ended = true
			_ = a.deadline(time.Unix(1, 0))
		}
	})
	return func() {
		stop()
		a.mu.Lock()
		defer a.mu.Unlock()
		released = true
	}
}
