package deskhttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/sse"
)

// A POST starts a job and streams its events. A browser that has lost the stream asks for the rest, by Last-Event-ID.
func ExampleHandler() {
	jobs, err := desk.New(desk.Config{Name: "r1", Last: func(error) []sse.Event { return nil }})
	if err != nil {
		panic(err)
	}
	defer func() { _ = jobs.Close(context.Background()) }()
	h := &deskhttp.Handler{Desk: jobs, Path: "/jobs"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jobs/{id}/events", h.Events)
	mux.HandleFunc("POST /jobs", func(w http.ResponseWriter, r *http.Request) {
		h.Start(w, r, desk.Order{Work: func(context.Context, func(sse.Event) error) []sse.Event {
			return []sse.Event{{Data: []byte("half")}, {Data: []byte("whole")}}
		}})
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	stream := func(method, path, after string) (location string) {
		req, err := http.NewRequestWithContext(context.Background(), method, server.URL+path, http.NoBody)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Last-Event-ID", after)
		res, err := server.Client().Do(req)
		if err != nil {
			panic(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		fmt.Printf("%s%v\n", text, err)
		return res.Header.Get("Location")
	}
	job := stream(http.MethodPost, "/jobs", "")
	stream(http.MethodGet, job+"/events", "1")
	// Output:
	// id: 1
	// data: half
	//
	// id: 2
	// data: whole
	//
	// <nil>
	// id: 2
	// data: whole
	//
	// <nil>
}
