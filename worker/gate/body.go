package gate

import (
	"io"
	"sync/atomic"
)

// room counts the bytes that the bodies of all uploads take.
type room struct {
	limit int64
	used  atomic.Int64
}

// take takes n bytes if there is room for them.
func (r *room) take(n int64) bool {
	if r.used.Add(n) > r.limit {
		r.used.Add(-n)
		return false
	}
	return true
}

// The sizes of a body's parts. The first is small, because most of a thousand slow uploads have sent little.
const (
	firstPart = 4 << 10
	lastPart  = 64 << 10
)

// body is a received body. It counts against room with the memory that it has, until it is closed.
type body struct {
	room  *room
	taken int64
	size  int64    // in bytes
	parts [][]byte // still to be read
}

// fill reads in to its end. The error is errTooLarge, errNoRoom, or an error of in.
func (b *body) fill(in io.Reader, limit int64) error {
	for length := int64(firstPart); ; length = min(2*length, lastPart) {
		if !b.room.take(length) {
			return errNoRoom
		}
		b.taken += length
		part := make([]byte, length)
		n, err := 0, error(nil)
		for n < len(part) && err == nil {
			var more int
			more, err = in.Read(part[n:])
			n += more
		}
		b.size += int64(n)
		b.parts = append(b.parts, part[:n])
		switch {
		case b.size > limit:
			return errTooLarge
		case err == io.EOF: //nolint:errorlint // io.Reader returns it as it is
			return nil
		case err != nil:
			return err
		}
	}
}

// Read returns the received bytes, once.
func (b *body) Read(p []byte) (int, error) {
	for len(b.parts) > 0 && len(b.parts[0]) == 0 {
		b.parts[0] = nil
		b.parts = b.parts[1:]
	}
	if len(b.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.parts[0])
	b.parts[0] = b.parts[0][n:]
	return n, nil
}

// Close frees the room. Closing again does nothing.
func (b *body) Close() error {
	b.room.used.Add(-b.taken)
	b.taken, b.parts = 0, nil
	return nil
}
