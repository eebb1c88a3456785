// Command matrix plays the rows of package faults and prints a line of JSON for each. It names the marks that a row does not reach on
// standard error, and ends with status 1 then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/weir-go/weir/integration/faults"
)

func main() {
	rows := flag.String("rows", "", "numbers of the rows to play, separated by commas; empty plays all")
	ci := flag.Bool("ci", false, "play only the rows that each change plays, in their short form")
	write := flag.String("write", "", "file to write the table to")
	together := flag.Int("parallel", 1, "number of rows that are played at the same time")
	former := flag.String("former", "", "commit of the former version in rows with two versions; if empty, each of these rows chooses its commit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rows, *ci, *write, *former, *together); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, numbers string, ci bool, write, former string, together int) error {
	chosen, err := choose(numbers, ci)
	if err != nil {
		return err
	}
	h, err := faults.New(ctx, faults.Program{})
	if err != nil {
		return err
	}
	defer h.Close() //nolint:errcheck // of a temporary directory
	h.Former = former
	var (
		mu      sync.Mutex
		players sync.WaitGroup
		red     int
	)
	all, next := make([]*faults.Played, len(chosen)), make(chan int)
	for range max(1, together) {
		players.Go(func() {
			for i := range next {
				p, err := h.Play(ctx, chosen[i], ci)
				mu.Lock()
				if all[i] = p; !show(p, err) {
					red++
				}
				mu.Unlock()
			}
		})
	}
	for i := range chosen {
		next <- i
	}
	close(next)
	players.Wait()
	if err := context.Cause(ctx); err != nil {
		return err // the table would lack rows
	}
	if write != "" {
		if err := os.WriteFile(write, []byte(table(all, ci, together)), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	if red > 0 {
		return fmt.Errorf("%d of %d rows failed", red, len(chosen))
	}
	return nil
}

// show prints what a row measured. It reports whether the row reaches its marks, or needs something optional that this machine lacks.
func show(p *faults.Played, err error) bool {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		lacking, ok := errors.AsType[*faults.MissingError](err)
		return ok && lacking.Optional
	}
	fmt.Println(p.JSON())
	fmt.Fprintf(os.Stderr, "row %d, %s, %.1f s: %s\n", p.Row.Number, p.Row.Name, p.Took.Seconds(), p.Measured())
	if len(p.Failed) > 0 {
		fmt.Fprintf(os.Stderr, "row %d does not reach: %s. %s\n", p.Row.Number, strings.Join(p.Failed, ", "), p.Output)
	}
	return len(p.Failed) == 0
}

// choose returns the rows with these numbers, or all rows if there are none. With ci it returns only the rows that each change plays.
func choose(numbers string, ci bool) ([]faults.Row, error) {
	wanted := map[int]bool{}
	for word := range strings.SplitSeq(numbers, ",") {
		if word == "" {
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("--rows: %q is not a number", word)
		}
		wanted[n] = true
	}
	var chosen []faults.Row
	for _, r := range faults.Rows() {
		if (len(wanted) == 0 || wanted[r.Number]) && (!ci || r.CI) {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("--rows: no row has these numbers; docs/faults.md lists the rows")
	}
	return chosen, nil
}
