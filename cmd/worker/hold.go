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

// stayBusy starts the fleet and has every replica analyse the playlist again and again until ctx ends, so that there is something to look at.
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
		_ = servers.Wait() // the fleet was there to be looked at: how it ends is nobody's result
	}()
	if err := d.start(ctx, serving, &servers); err != nil {
		return err
	}
	where, inspect := d.redis.where(d.Namespace)
	if _, err := fmt.Fprintf(s.Out, "%s busy at %s; Redis is %s. Look at them:\n\n  %s\n  %s\n\nAn interrupt ends them.\n",
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
		return errors.Join(errors.New("a replica cannot go on"), err)
	}
}
