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
	flag.StringVar(&o.rows, "rows", "", "numbers of the rows to play, separated by commas; all if empty")
	flag.StringVar(&o.limiters, "limiters", "", "names of the limiters to play, separated by commas: weir, redis_rate, ulule, x/time/rate; all if empty")
	flag.IntVar(&o.parallel, "parallel", 1, "number of plays at the same time; a row with 500 tasks or more is played alone")
	flag.BoolVar(&o.quick, "quick", false, "play rows in their short form, if they have one")
	flag.StringVar(&o.json, "json", "", "file to append each line to; rows in the file are not played again")
	flag.DurationVar(&o.noPlaysAfter, "for", 0, "start no play after this time; 0 is no limit")
	flag.StringVar(&o.write, "write", "", "file to write the page to, with the figures of this run and of the file of --json")
	flag.BoolVar(&o.noPlay, "merge", false, "play nothing, and write the page from the file of --json")
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
		return errors.New("want --parallel of 1 or more, --merge only with --json and --write, and no arguments")
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
