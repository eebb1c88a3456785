package transport_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// refusedStream sends a request over HTTP/2 to a server that refuses the first stream, as an ending server does.
func (w *world) refusedStream() error {
	return w.overHTTP2(func(url string) error { return request(w.t.Context(), w.client(), http.MethodGet, url, nil) })
}

// overHTTP2 has the base of a world talk HTTP/2 with such a server, while a function sends to it.
func (w *world) overHTTP2(send func(url string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.serveHTTP2(listener)
	}()
	w.base.Protocols = new(http.Protocols)
	w.base.Protocols.SetUnencryptedHTTP2(true)
	err = send("http://" + listener.Addr().String())
	w.base.CloseIdleConnections()
	_ = listener.Close()
	<-ended
	return err
}

// serveHTTP2 refuses the first stream of all and answers the others.
func (w *world) serveHTTP2(listener net.Listener) {
	var streams atomic.Int64
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if err := w.serveConn(conn, &streams); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
			w.t.Logf("the connection ends: %v", err)
		}
		_ = conn.Close()
	}
}

func (w *world) serveConn(conn net.Conn, streams *atomic.Int64) error {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return err
	}
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(); err != nil {
		return err
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return err
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				err = f.WritePing(true, frame.Data)
			}
		case *http2.HeadersFrame:
			w.arrivals.Add(1)
			if streams.Add(1) == 1 {
				err = f.WriteRSTStream(frame.StreamID, http2.ErrCodeRefusedStream)
				break
			}
			err = f.WriteHeaders(http2.HeadersFrameParam{StreamID: frame.StreamID, BlockFragment: okHeaders(), EndHeaders: true, EndStream: true})
		}
		if err != nil {
			return err
		}
	}
}

// okHeaders are the headers of an answer with status 200.
func okHeaders() []byte {
	var b writer
	_ = hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	return b
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) { *w = append(*w, p...); return len(p), nil }
