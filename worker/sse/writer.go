package sse

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// Config makes Writers; the zero Config is ready to use.
type Config struct {
	// WriteTimeout is how long the client may take no bytes before the stream ends. 0 means 10 s.
	WriteTimeout time.Duration
	// Heartbeat is the silence after which a comment is sent. The comment keeps proxies from closing the stream, and
	// its failure shows that the client has disconnected. 0 means 15 s.
	Heartbeat time.Duration
}

// Writer streams events to the client of one request, by its method [Writer.Serve].
type Writer struct {
	out          http.ResponseWriter
	rc           *http.ResponseController
	writeTimeout time.Duration
	heartbeat    time.Duration
}

// NewWriter is [Config.NewWriter] of the zero Config.
func NewWriter(w http.ResponseWriter) (*Writer, error) { return Config{}.NewWriter(w) }

// NewWriter starts the stream: it sends status 200 and the headers at once, so that the client knows that it is
// connected before the first event. Register with the source of the events first if the client must miss none.
//
// The error is [http.ErrNotSupported] if w, or middleware around it without an Unwrap method, does not support Flush or
// write deadlines. Then nothing has been sent, and the handler can still answer with an error status.
func (c Config) NewWriter(w http.ResponseWriter) (*Writer, error) {
	if c.WriteTimeout < 0 || c.Heartbeat < 0 {
		return nil, fmt.Errorf("sse: new writer: negative value in %+v", c)
	}
	sw := &Writer{
		out:          w,
		rc:           http.NewResponseController(w),
		writeTimeout: cmp.Or(c.WriteTimeout, 10*time.Second),
		heartbeat:    cmp.Or(c.Heartbeat, 15*time.Second),
	}
	headers := [...][2]string{
		{"Content-Type", "text/event-stream"},
		{"Cache-Control", "no-cache, no-transform"},
		{"X-Accel-Buffering", "no"}, // else nginx delays events until its buffer is full
	}
	for _, h := range headers {
		w.Header().Set(h[0], h[1])
	}
	if err := sw.send(nil); err != nil {
		for _, h := range headers {
			w.Header().Del(h[0]) // they would describe the error page
		}
		return nil, fmt.Errorf("sse: new writer: %w", err)
	}
	return sw, nil
}
