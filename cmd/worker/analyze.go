package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
)

type analyzeCmd struct {
	File     string `arg:"" help:"A playlist: CSV, JSON, M3U or links, as docs/worker.md describes. - is standard input."`
	Playlist string `help:"The name of the playlist, if the file has several."`

	budgetFlags
	cli.RedisFlags
	providerFlags
}

// Validate returns the first error of the flags of analyze.
func (c *analyzeCmd) Validate() error {
	return firstError(c.budgetFlags.Validate(), c.providerFlags.Validate())
}

// Run analyses one playlist.
func (c *analyzeCmd) Run(ctx context.Context, s cli.Streams) (err error) {
	list, err := readPlaylist(c.File, c.Playlist)
	if err != nil {
		return err
	}
	tel, err := startTelemetry(ctx, s.Err)
	if err != nil {
		return err
	}
	defer tel.end(ctx)
	if tel.scraped {
		admin, err := adminFlags{}.startAdmin(ctx, tel)
		if err != nil {
			return err
		}
		defer func() { _ = admin.close() }()
	}
	redis, err := openRedis(c.RedisFlags)
	if err != nil {
		return err
	}
	defer redis.close()
	rdb := redis.Client()
	defer rdb.Close()

	cfg := worker.Config{Redis: rdb, Namespace: c.Namespace, Budget: c.limit(), Slots: c.Slots, TracerProvider: tel.tracers, MeterProvider: tel.meters}
	if err := c.apply(&cfg); err != nil {
		return err
	}
	w, err := worker.New(cfg)
	if err != nil {
		return &cli.Error{Status: cli.Usage, Err: err}
	}
	if err := w.Connect(ctx); err != nil {
		return redis.explain(err)
	}
	result, failure := w.Analyze(ctx, list, func(p analysis.Progress) {
		if p.Text != "" {
			_, _ = fmt.Fprintf(tel.errs, "%3d/%d  %s\n", p.AllDone, p.AllTotal, cli.Clean(p.Text)) // the text is from a model
		}
	})
	tel.flush(ctx) // before Close, because a closed limiter has no metrics of its buckets
	if err := w.Close(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(failure, err)
	}
	if failure != nil {
		return redis.explain(failure)
	}
	out := json.NewEncoder(s.Out)
	out.SetIndent("", "  ")
	return out.Encode(result)
}

// readPlaylist reads a playlist from a file, or from standard input if name is "-". pick is the name of the playlist if the file has several.
func readPlaylist(name, pick string) (playlist.Playlist, error) {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return playlist.Playlist{}, fmt.Errorf("playlist: %w", err)
		}
		defer f.Close()
		in = f
	}
	list, err := playlist.ParseOne(in, pick)
	if refusal, ok := errors.AsType[*playlist.ParseError](err); ok && refusal.Reason == playlist.ReasonChoice {
		return playlist.Playlist{}, fmt.Errorf("%s: %w, with --playlist NAME", name, err)
	}
	if err != nil {
		return playlist.Playlist{}, fmt.Errorf("%s: %w", name, err)
	}
	if list.Name == "" && name != "-" {
		list.Name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)) // a CSV file has no name in it
	}
	return list, nil
}
