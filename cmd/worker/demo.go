package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/sync/errgroup"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

type demoCmd struct {
	Replicas int  `default:"4" range:"1 to 256" placeholder:"N" help:"Number of replicas, each with its own connection to Redis, orchestrator and port (${default})."`
	Tracks   int  `default:"50" range:"1 to 10000" placeholder:"N" help:"Number of tracks in the playlist that each replica analyses in the scene budget (${default})."`
	JSON     bool `name:"json" help:"Print one JSON object and nothing else on stdout."`
	Hold     bool `help:"Keep the fleet busy until interrupted, and print the commands that inspect it."`
	Without  bool `help:"Make the same calls again without a limiter, with the same slots and two retries of a refused request, and compare. For the scene budget."`

	sceneFlags
	budgetFlags
	cli.RedisFlags
}

// Validate returns the first error of the flags of demo.
func (c *demoCmd) Validate() error {
	if c.Replicas < 1 || c.Replicas > 256 {
		return fmt.Errorf("replicas %d: want 1 to 256", c.Replicas)
	}
	if c.Tracks < 1 || c.Tracks > playlist.MaxTracks {
		return fmt.Errorf("tracks %d: want 1 to %d", c.Tracks, playlist.MaxTracks)
	}
	if c.Hold && (c.JSON || c.Scene != sceneBudget) {
		return errors.New("hold: want it without --json, which has no result to print, and with the scene budget")
	}
	if c.Without && (c.Hold || c.Scene != sceneBudget) {
		return errors.New("without: want it with the scene budget and without --hold, because it compares runs that end")
	}
	if err := c.sceneFlags.Validate(); err != nil {
		return err
	}
	return c.budgetFlags.Validate()
}

// demo is a fleet in one process: replicas, the simulator that they call, and their Redis.
type demo struct {
	demoCmd

	redis    *server
	upstream *upstream.Server
	simAddr  string
	replicas []*demoReplica
	body     []byte    // the playlist that each replica gets
	began    time.Time // when the analyses began; zero before that
}

// Run runs the scene that --scene names.
func (c *demoCmd) Run(ctx context.Context, s cli.Streams) error {
	switch c.Scene {
	case sceneThrottled:
		scene, err := newThrottled(c)
		if err != nil {
			return &cli.Error{Status: cli.Usage, Err: err}
		}
		return c.play(ctx, s, scene)
	case sceneTokens:
		return c.play(ctx, s, newTokensScene(c))
	default:
		if c.Hold {
			return c.stayBusy(ctx, s)
		}
		return c.shareBudget(ctx, s)
	}
}

// prepare returns a demonstration with its playlist and its Redis. The caller calls close, which ends an embedded Redis.
func (c *demoCmd) prepare() (d *demo, close func(), err error) {
	d = &demo{demoCmd: *c}
	if d.body, err = samplePlaylist(c.Tracks); err != nil {
		return nil, nil, err
	}
	if d.redis, err = openRedis(c.RedisFlags); err != nil {
		return nil, nil, err
	}
	return d, d.redis.close, nil
}

// shareBudget starts the fleet, makes all replicas analyse a playlist at the same time, and prints the report.
func (c *demoCmd) shareBudget(ctx context.Context, s cli.Streams) error {
	d, closeRedis, err := c.prepare()
	if err != nil {
		return err
	}
	defer closeRedis()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var servers errgroup.Group
	report, err := d.run(ctx, serving, &servers, s)
	if err == nil && c.Without {
		report.summary.Without, err = d.without(ctx, serving, &servers, s)
	}
	if err != nil {
		d.sayHowItEnded(s, report, err) // before the replicas end, which takes time
	}
	stop()
	if err := errors.Join(err, servers.Wait()); err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.Out).Encode(report.summary)
	} else {
		_, err = lipgloss.Fprint(s.Out, report.page(screenOf(s.Out)))
	}
	return errors.Join(err, report.verdict())
}

// sayHowItEnded prints the sentence about a run that an error has ended. finished is the report of the run with the limiter if the error has ended
// only the run without it.
func (d *demo) sayHowItEnded(s cli.Streams, finished *report, err error) {
	interrupted := errors.Is(err, context.Canceled)
	switch {
	case d.JSON || d.began.IsZero() && !interrupted:
		return
	case d.began.IsZero():
		_, _ = fmt.Fprintln(s.Out, "Interrupted before the first call.")
		return
	}
	v := verdict{how: "Ended by an error", replicas: d.Replicas, took: time.Since(d.began), rate: d.limit().Rate(), burst: d.Burst}
	if interrupted {
		v.how = "Interrupted"
	}
	if finished != nil {
		how := v.how + " without the limiter; before that, with it"
		v = finished.said()
		v.how = how
	} else {
		stats := d.upstream.Stats()
		v.calls, v.refused = stats.Total, stats.Refused
	}
	_, _ = fmt.Fprintln(s.Out, strings.Join(wrapped(v.sentence(), screenOf(s.Out).width), "\n"))
}

func (d *demo) run(ctx, serving context.Context, servers *errgroup.Group, s cli.Streams) (*report, error) {
	if err := d.start(ctx, serving, servers); err != nil {
		return nil, err
	}
	what, look := d.intro()
	if !d.JSON {
		_, _ = fmt.Fprint(s.Err, intro(what, look))
	}
	rdb := d.redis.Client()
	before, err := limiter.ReadSnapshot(ctx, rdb, d.Namespace)
	_ = rdb.Close()
	if err != nil {
		return nil, d.redis.explain(err)
	}
	d.began = time.Now()
	analysing, cancel := context.WithCancel(ctx)
	defer cancel()
	var analyses errgroup.Group
	for _, r := range d.replicas {
		analyses.Go(func() error { return r.analyze(analysing, d.body) })
	}
	if err := d.follow(s, cancel, func() picture { return d.picture(what, look) }, analyses.Wait); err != nil {
		return nil, err
	}
	return d.measure(before, d.began), nil
}

// intro returns a sentence about the run that begins, and the lines of the command that inspects it.
func (d *demo) intro() (what string, look []string) {
	where, inspect := d.redis.where(d.Namespace)
	return fmt.Sprintf("%s: %v. Redis: %s. Look at it while it runs:", sharing(d.Replicas), d.limit(), where), commandLines(inspect)
}

// picture returns the state of the run.
func (d *demo) picture(what string, look []string) picture {
	stats := d.upstream.Stats()
	p := picture{what: what, look: look, took: time.Since(d.began), calls: stats.Total, refused: stats.Refused, rate: d.limit().Rate(), per100ms: stats.Per100ms}
	for _, r := range d.replicas {
		now := r.now()
		p.replicas = append(p.replicas, replicaPicture{
			done: now.progress.AllDone, total: now.progress.AllTotal, text: now.text,
			ended: !now.ended.IsZero(), failed: now.failure != nil,
		})
	}
	return p
}

// without makes the calls of the run again, without a limiter and to a new simulator.
func (d *demo) without(ctx, serving context.Context, servers *errgroup.Group, s cli.Streams) (*plainRun, error) {
	again, url, err := d.startUpstream(ctx, serving, servers)
	if err != nil {
		return nil, err
	}
	recorders := make([]*recorder, len(d.replicas))
	for i, r := range d.replicas {
		recorders[i] = r.recorder
	}
	f := newPlainFleet(url, again, recorders, d.Slots)
	if !d.JSON {
		_, _ = fmt.Fprint(s.Err, intro(f.picture(0).what, nil))
	}
	calling, cancel := context.WithCancel(ctx)
	defer cancel()
	var run *plainRun
	f.began = time.Now()
	err = d.follow(s, cancel, func() picture { return f.picture(d.limit().Rate()) }, func() (err error) {
		run, err = f.run(calling)
		return err
	})
	return run, err
}
