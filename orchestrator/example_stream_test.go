package orchestrator_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// linesOf yields the lines of a file. It reads no further than its consumer asks, and counts.
func linesOf(file *bufio.Scanner, read *int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for file.Scan() {
			*read++
			if !yield(file.Text()) {
				return
			}
		}
	}
}

// plays asks how often a track was played. The answer takes a second.
func plays(_ context.Context, track string) (int, error) {
	time.Sleep(time.Second)
	return len(track), nil
}

// A file of any size is read no faster than the requests for its lines can start. Outcomes come as the requests end.
func ExampleStream() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(1000, 50)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}

		var export io.Reader = strings.NewReader(strings.Repeat("Creep\nHurt\n", 100)) // or an open file
		start := time.Now()
		file := bufio.NewScanner(export)
		read, asked, played := 0, 0, 0
		for line, out := range orchestrator.Stream(t.Context(), o, linesOf(file, &read), plays) {
			if out.Err != nil {
				fmt.Printf("line %d: %v\n", line+1, out.Err)
				continue
			}
			if asked++; asked == 1 {
				fmt.Println("the first outcome, after", time.Since(start).Round(time.Millisecond), "and", read, "lines")
			}
			played += out.Value
		}
		if err := file.Err(); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d tracks were played %d times\n", asked, played)
	})
	// Output:
	// the first outcome, after 1s and 21 lines
	// 200 tracks were played 900 times
}
