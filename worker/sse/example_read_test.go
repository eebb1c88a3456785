package sse_test

import (
	"fmt"
	"strings"

	"github.com/weir-go/weir/worker/sse"
)

// How does a program read a stream of events? By the rules of browsers: comments are skipped, an id counts until the next
// one, and an event that is cut off is dropped.
func ExampleRead() {
	body := strings.NewReader(": hello\n\nid: 7\nevent: progress\ndata: 10 of 50\n\ndata: more\n\ndata: cut of")
	for ev, err := range sse.Read(body) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %q %s\n", ev.ID, ev.Name, ev.Data)
	}
	// Output:
	// 7 "progress" 10 of 50
	// 7 "" more
}
