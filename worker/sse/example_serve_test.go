package sse_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/worker/sse"
)

// How does a handler send events to a browser? It hands Serve a function that returns the next one.
func ExampleWriter_Serve() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := sse.NewWriter(w)
		if err != nil { // w cannot stream: nothing is sent yet
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		texts := []string{"searching", "two\nlines", "done"}
		_ = stream.Serve(r.Context(), func(context.Context) (sse.Frame, error) { // the error says that the client is gone
			if len(texts) == 0 {
				return sse.Frame{}, io.EOF
			}
			ev := sse.Event{Name: "progress", Data: []byte(texts[0])}
			texts = texts[1:]
			return ev.Frame()
		})
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		panic(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Println(res.Header.Get("Content-Type"))
	text, err := io.ReadAll(res.Body)
	fmt.Printf("%s%v\n", text, err)
	// Output:
	// text/event-stream
	// event: progress
	// data: searching
	//
	// event: progress
	// data: two
	// data: lines
	//
	// event: progress
	// data: done
	//
	// <nil>
}
