package desk_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/sse"
)

// A job must outlive the connection that started it. A desk keeps its events. A client that comes back with the last id
// that it saw gets the rest.
func ExampleDesk_Start() {
	d, err := desk.New(desk.Config{Name: "r1", Last: failed})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer func() { _ = d.Close(ctx) }()
	reader, err := d.Start(ctx, desk.Order{Work: func(_ context.Context, report func(sse.Event) error) []sse.Event {
		for _, text := range []string{"searching", "comparing"} {
			if err := report(sse.Event{Name: "progress", Data: []byte(text)}); err != nil {
				return nil
			}
		}
		return []sse.Event{{Name: "done", Data: []byte("3 tracks")}}
	}})
	if err != nil {
		panic(err)
	}
	first, err := reader.Next(ctx)
	show(first, err)
	job := reader.Analysis()
	reader.Close() // the connection breaks

	again, err := job.Read(1) // after event 1
	if err != nil {
		panic(err)
	}
	defer again.Close()
	for {
		frame, err := again.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		show(frame, err)
	}
	// Output:
	// id: 1
	// event: progress
	// data: searching
	//
	// id: 2
	// event: progress
	// data: comparing
	//
	// id: 3
	// event: done
	// data: 3 tracks
}

// show prints an event as it is sent.
func show(f sse.Frame, err error) {
	text, _ := f.AppendText(nil)
	if err != nil {
		text = []byte(err.Error())
	}
	fmt.Printf("%s", text)
}
