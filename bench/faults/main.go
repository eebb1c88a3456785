package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	rows, limiters string
	parallel       int
	quick, noPlay  bool
	json, write    string
	noPlaysAfter   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.rows, "rows", "", "numbers of the rows to play, separated by commas; all where it is empty")
	flag.StringVar(&o.limiters, "limiters", "", "limiters to play, by name and separated by commas: weir, redis_rate, ulule, x/time/rate; all where it is empty")
	flag.IntVar(&o.parallel, "parallel", 1, "plays at the same time; a row with 500 tasks or more is played alone")
	flag.BoolVar(&o.quick, "quick", false, "play rows in their short form, where they have one")
	flag.StringVar(&o.json, "json", "", "file to append each line to; what is there is not played again")
	flag.DurationVar(&o.noPlaysAfter, "for", 0, "start no play after this time; 0 is no end")
	flag.StringVar(&o.write, "write", "", "file to write the page to, of what was played and of what is in the file of --json")
	flag.BoolVar(&o.noPlay, "merge", false, "play nothing: write the page of what is in the file of --json")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	rows, err := chooseRows(o.rows)
	if err != nil {
		return err
	}
	limiters, err := chooseLimiters(o.limiters)
	if err != nil {
		return err
	}
	if flag.NArg() > 0 || o.parallel < 1 || o.noPlay && (o.json == "" || o.write == "") {
		return errors.New("want --parallel of 1 or more, --merge with --json and --write, and no arguments")
	}
	all := figures{}
	if o.json != "" {
		if all, err = load(o.json); err != nil {
			return err
		}
	}
	var failed int
	if !o.noPlay {
		if failed, err = playAll(ctx, o, rows, limiters, all); err != nil {
			return err
		}
	}
	if o.write != "" {
		if err := os.WriteFile(o.write, []byte(page(all)), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d plays failed", failed)
	}
	return nil
}
