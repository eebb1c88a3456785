package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// stayBusy starts the fleet and makes every replica analyse the playlist again and again until ctx ends.
func (c *demoCmd) stayBusy(ctx context.Context, s cli.Streams) error {
	d, closeRedis, err := c.prepare()
	if err != nil {
		return err
	}
	defer closeRedis()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var servers errgroup.Group
	defer func() {
		stop()
		_ = servers.Wait() // the command has no result that an error at the end could affect
	}()
	if err := d.start(ctx, serving, &servers); err != nil {
		return err
	}
	where, inspect := d.redis.where(d.Namespace)
	if _, err := fmt.Fprintf(s.Out, "%s busy at %s; Redis is %s. Inspect them:\n\n  %s\n  %s\n\nPress Ctrl-C to end them.\n",
		counted(d.Replicas, "replica is", "replicas are"), d.limit(), where, inspect, strings.Replace(inspect, "./cmd/inspect", "./cmd/inspect serve", 1)); err != nil {
		return err
	}
	var busy sync.WaitGroup
	defer busy.Wait()
	failed := make(chan error, len(d.replicas))
	for _, r := range d.replicas {
		busy.Go(func() {
			for ctx.Err() == nil {
				if err := r.analyze(ctx, d.body); err != nil && ctx.Err() == nil {
					failed <- err
					return
				}
			}
		})
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return errors.Join(errors.New("an analysis ended with an error"), err)
	}
}
