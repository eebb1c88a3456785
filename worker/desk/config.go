package desk

import (
	"cmp"
	"errors"
	"time"

	"github.com/weir-go/weir/worker/sse"
)

// Config sets how much a desk keeps and for how long. Every field except Name and Last may be zero.
type Config struct {
	// Name is the name of the replica. Ids begin with it.
	Name string
	// Last makes the last events of an analysis that did not return them itself. The reason is a [*PanicError],
	// [ErrClosed], [ErrLeft], [ErrLogFull] for last events that are too large for a log, or the argument of
	// [Analysis.End].
	Last func(reason error) []sse.Event
	// Running is how many analyses run at the same time. Zero is 128.
	Running int
	// Waiting is how many more analyses may wait to run. Zero is 128.
	Waiting int
	// Readers bounds the readers of all analyses together. Zero is [DefaultReaders].
	Readers int
	// Bytes bounds the weights and the logs of all analyses that the desk knows. Zero is [DefaultBytes].
	Bytes int64
	// LogBytes bounds the log of an analysis; half of it is kept for its last events. Zero is 1 MiB.
	LogBytes int
	// Linger is how long an analysis continues without a reader. Zero is 60 s.
	Linger time.Duration
	// Keep is how long an ended analysis is kept for readers that reconnect, and for its idempotency key. Zero is 10
	// minutes.
	Keep time.Duration
	// Grace is how long an analysis may take to return once its context has ended, and how long Close waits for
	// readers. Zero is 6 s, longer than an analysis of this project takes.
	Grace time.Duration
}

// DefaultReaders is the default of [Config.Readers].
const DefaultReaders = 2048

// DefaultBytes is the default of [Config.Bytes]: 256 MiB.
const DefaultBytes = 256 << 20

func (c Config) filled() (Config, error) {
	if c.Name == "" || c.Last == nil {
		return c, errors.New("desk: Config needs Name and Last")
	}
	if c.Running < 0 || c.Waiting < 0 || c.Readers < 0 || c.Bytes < 0 || c.LogBytes < 0 || c.Linger < 0 || c.Keep < 0 || c.Grace < 0 {
		return c, errors.New("desk: a bound or a time below 0")
	}
	c.Running, c.Waiting, c.Readers = cmp.Or(c.Running, 128), cmp.Or(c.Waiting, 128), cmp.Or(c.Readers, DefaultReaders)
	c.Bytes, c.LogBytes = cmp.Or(c.Bytes, DefaultBytes), cmp.Or(c.LogBytes, 1<<20)
	c.Linger, c.Keep, c.Grace = cmp.Or(c.Linger, time.Minute), cmp.Or(c.Keep, 10*time.Minute), cmp.Or(c.Grace, 6*time.Second)
	return c, nil
}
