package orchestrator_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// linesOf yields the lines of a file. It reads no further than its consumer asks.
func linesOf(file *bufio.Scanner) iter.Seq[string] {
	return func(yield func(string) bool) {
		for file.Scan() && yield(file.Text()) {
		}
	}
}

// plays asks how often a track was played.
func plays(_ context.Context, track string) (int, error) { return len(track), nil }

// A file of any size is read no faster than the requests for its lines can start. Outcomes come as the requests end.
func ExampleStream() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(1000, 50)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		fmt.Println(err)
		return
	}

	var export io.Reader = strings.NewReader(strings.Repeat("Creep\nHurt\n", 100)) // or an open file
	file := bufio.NewScanner(export)
	asked, played := 0, 0
	for line, out := range orchestrator.Stream(context.Background(), o, linesOf(file), plays) {
		if out.Err != nil {
			fmt.Printf("line %d: %v\n", line+1, out.Err)
			continue
		}
		asked++
		played += out.Value
	}
	if err := file.Err(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d tracks were played %d times\n", asked, played)
	// Output:
	// 200 tracks were played 900 times
}
