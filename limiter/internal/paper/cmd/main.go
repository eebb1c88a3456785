// Command cmd simulates fleets: see package paper.
//
//	go run ./limiter/internal/paper/cmd              # prints the tables of all rates
//	go run ./limiter/internal/paper/cmd table 40     # prints the table of one rate
//	go run ./limiter/internal/paper/cmd calibrate    # measures the constants on a real Redis
//	go run ./limiter/internal/paper/cmd check        # predicts, runs real fleets, and compares
//
// The last two need redis-server on the PATH. A check fails if a measured figure differs from the predicted one by more
// than allowed.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/weir-go/weir/limiter/internal/paper"
)

// task is the length of every task.
const task = 100 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := &page{to: os.Stdout}
	if err := cmp.Or(run(ctx, out, os.Args[1:]), out.err); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out *page, args []string) error {
	if len(args) == 0 {
		args = []string{"table"}
	}
	switch args[0] {
	case "table":
		rates, err := ratesOf(args[1:])
		if err != nil {
			return err
		}
		return table(ctx, out, paper.Measured(), rates)
	case "calibrate":
		s, err := startServer(ctx, 64)
		if err != nil {
			return err
		}
		defer s.stop()
		costs, err := calibrate(ctx, s)
		if err == nil {
			printCosts(out, costs)
		}
		return err
	case "check":
		ok, err := check(ctx, out)
		if err == nil && !ok {
			err = errors.New("a figure differs from its prediction by more than allowed")
		}
		return err
	}
	return fmt.Errorf("unknown command %q: want table, calibrate or check", args[0])
}

// ratesOf parses rates. Without arguments it returns the rates of all tables.
func ratesOf(args []string) (rates []int64, err error) {
	for _, a := range args {
		rate, err := strconv.ParseInt(a, 10, 64)
		if err != nil || rate < 1 {
			return nil, fmt.Errorf("%q is not a rate: want a whole number from 1", a)
		}
		rates = append(rates, rate)
	}
	if len(rates) == 0 {
		rates = []int64{40, 400, 4000, 40_000, 100_000}
	}
	return rates, nil
}

func printCosts(out *page, c paper.Costs) {
	out.printf("| constant | µs |\n|---|---:|\n")
	for _, x := range []struct {
		name string
		d    time.Duration
	}{
		{"shortest round trip", c.Trip},
		{"a round trip is longer by, in the mean", c.Spread},
		{"a task ends later than its timer was set, in the mean", c.Late},
		{"short script", c.Plain},
		{"short script that finds a line", c.Bail},
		{"script that knows the line", c.Full},
		{"to enter the line, or to leave it", c.Line},
		{"each of these, for each doubling of the line", c.Deep},
		{"a further run of asks", c.Ask},
		{"a further limit", c.Limit},
		{"what a replica is configured with, every 10 s", c.Presence},
		{"record and announcement of a replica, every 8 to 10 s", c.Announce},
		{"record of a replica, every 2 s", c.Publish},
	} {
		out.printf("| %s | %.1f |\n", x.name, float64(x.d.Nanoseconds())/1000)
	}
}
