package limiter_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// TestOperator: an operator that is not part of the fleet changes it, and each change is recorded as an event.
func TestOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(40, 40)
		cfg.Publish = limiter.DefaultPublish
		c := newRedisFleet(t, 2, cfg)
		defer c.close(t)
		time.Sleep(time.Minute)
		ctx, l := t.Context(), c.fleet[0]
		o, err := limiter.NewOperator(c.rdb, limiter.DefaultNamespace, "ops@bastion")
		if err != nil {
			t.Fatal(err)
		}
		snapshot := func() limiter.Snapshot {
			s, err := limiter.ReadSnapshot(ctx, c.rdb, limiter.DefaultNamespace)
			if err != nil {
				t.Fatal(err)
			}
			if s.Live != 2 || len(s.Buckets) != 1 || len(s.Buckets[0].Wanted) != 0 {
				t.Errorf("the operator counts as a replica: %+v", s)
			}
			return s
		}
		before := snapshot()

		if err := o.Pause(ctx, "global", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := startOf(t, l, "global", time.Now()); took < 29*time.Second || took > 31*time.Second {
			t.Errorf("a call during a pause of 30 s started after %v", took)
		}
		if err := o.Pause(ctx, "global", limiter.UntilResumed); err != nil {
			t.Fatal(err)
		}
		if s := snapshot(); s.Buckets[0].PausedFor != limiter.UntilResumed || s.Epoch != before.Epoch {
			t.Errorf("the snapshot after Pause is %+v", s)
		}
		if err := o.Resume(ctx, "global"); err != nil {
			t.Fatal(err)
		}
		if took := startOf(t, l, "global", time.Now()); took > 6*time.Second {
			t.Errorf("a call after the pause started after %v", took)
		}
		// Resume also ends a hold that a provider asked for.
		if err := l.Report(ctx, "global", limiter.Throttled{RetryAfter: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := o.Resume(ctx, "global"); err != nil {
			t.Fatal(err)
		}
		if took := startOf(t, c.fleet[1], "global", time.Now()); took > 6*time.Second {
			t.Errorf("a call after the hold started after %v", took)
		}
		if err := o.Configure(ctx, "global", limiter.PerSecond(2, 1)); err != nil {
			t.Fatal(err)
		}
		if b := snapshot().Buckets[0]; b.Limit.Rate() != 2 || !b.Set {
			t.Errorf("the bucket after Configure with a limit is %+v", b)
		}
		begun := time.Now()
		for range 20 {
			if err := l.Wait(ctx, "global"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took < 9*time.Second {
			t.Errorf("20 calls at 2 a second took %v", took)
		}
		if err := o.Configure(ctx, "global"); err != nil {
			t.Fatal(err)
		}
		if b := snapshot().Buckets[0]; b.Limit.Rate() != 40 || b.Set {
			t.Errorf("the bucket after Configure without limits is %+v", b)
		}
		time.Sleep(time.Minute)
		for _, tokens := range []int64{7, 0, 100} {
			if err := o.Restore(ctx, "global", tokens); err != nil {
				t.Fatal(err)
			}
			if b := snapshot().Buckets[0]; b.Tokens != float64(min(40, tokens)) || b.Debt != 0 {
				t.Errorf("after Restore to %d tokens: %+v", tokens, b)
			}
		}
		// A provider refuses half of 200 calls.
		for i := range 200 {
			r, err := l.Reserve(ctx, "global")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(r.Due()))
			if i%2 == 0 {
				if err := r.Report(ctx, limiter.Throttled{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second)
		if b := snapshot().Buckets[0]; b.Served > 0.9 {
			t.Errorf("the bucket has learned nothing: %+v", b)
		}
		if err := o.Unlearn(ctx, "global"); err != nil {
			t.Fatal(err)
		}
		if b := snapshot().Buckets[0]; b.Served != 1 {
			t.Errorf("the bucket after Unlearn is %+v", b)
		}
		if took := startOf(t, l, "global", time.Now()); took > 10*time.Second {
			t.Errorf("a call started after %v", took)
		}
		if err := o.Shadow(ctx, limiter.ShadowOn); err != nil {
			t.Fatal(err)
		}
		if err := o.Shadow(ctx, limiter.ShadowAsConfigured); err != nil {
			t.Fatal(err)
		}

		events, err := limiter.ReadEvents(ctx, c.rdb, limiter.DefaultNamespace, 100)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, e := range events {
			lines = append(lines, e.Of+" "+e.What)
			if e.By != "ops@bastion" || time.Since(e.At) > time.Hour || time.Since(e.At) < 0 {
				t.Errorf("the event %+v does not have its operator and time", e)
			}
		}
		want := "fleet shadow mode as configured, fleet shadow mode on, bucket global forgets what it has learnt of its provider, " +
			"bucket global level set to 100 tokens, bucket global level set to 0 tokens, bucket global level set to 7 tokens, bucket global limit as configured, bucket global limit set to 2 per 1s, burst 1, " +
			"bucket global resumed, bucket global resumed, bucket global paused until resumed, bucket global paused for 30s"
		if got := strings.Join(lines, ", "); got != want {
			t.Errorf("the events are %s", got)
		}
		if left := c.rdb.PTTL(ctx, lua.Keys(limiter.DefaultNamespace).Events()).Val(); left < 6*24*time.Hour {
			t.Errorf("events are kept for %v", left)
		}
	})
}

// TestOperatorRefuses: an operator's change of an unknown bucket, namespace or replica is an error, and changes nothing.
func TestOperatorRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRedisFleet(t, 1, one(40, 40))
		defer c.close(t)
		ctx := t.Context()
		o, err := limiter.NewOperator(c.rdb, limiter.DefaultNamespace, "ops")
		if err != nil {
			t.Fatal(err)
		}
		other, err := limiter.NewOperator(c.rdb, "other", "ops")
		if err != nil {
			t.Fatal(err)
		}
		before := c.server.Dump()
		for what, err := range map[string]error{
			`no bucket "globe"`:    o.Pause(ctx, "globe", time.Second),
			"pause of 0s":          o.Pause(ctx, "global", 0),
			"tokens":               o.Configure(ctx, "global", limiter.Limit{Tokens: -1}),
			"-1 tokens":            o.Restore(ctx, "global", -1),
			`bucket "unknown"`:     o.Unlearn(ctx, "unknown"),
			"shadow mode 7":        o.Shadow(ctx, 7),
			`no replica "r"`:       o.Drain(ctx, "r"),
			`has no replica "r"`:   o.Forget(ctx, "r"),
			`used namespace other`: other.Pause(ctx, "global", time.Second),
			`nobody has used`:      other.Shadow(ctx, limiter.ShadowOn),
			`has no bucket "glob"`: o.Resume(ctx, "glob"),
		} {
			if err == nil || !strings.Contains(err.Error(), what) || errors.Is(err, limiter.ErrUnavailable) {
				t.Errorf("the error is %v, want %q in it", err, what)
			}
		}
		if after := c.server.Dump(); after != before {
			t.Errorf("the refused changes changed the data: before\n%s\nafter\n%s", before, after)
		}
		c.server.SetError("LOADING")
		if err := o.Pause(ctx, "global", time.Second); !errors.Is(err, limiter.ErrUnavailable) {
			t.Error(err)
		}
		c.server.SetError("")
	})
}

// TestDrainAndForget: a replica gets an order to drain within 10 s, even if it is idle. Forget removes the record of a lost replica, and
// refuses a live one.
func TestDrainAndForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(40, 40)
		cfg.Publish = limiter.DefaultPublish
		c := newRedisFleet(t, 2, cfg)
		defer c.close(t)
		time.Sleep(time.Minute)
		o, err := limiter.NewOperator(c.rdb, limiter.DefaultNamespace, "ops")
		if err != nil {
			t.Fatal(err)
		}
		a, b := c.fleet[0], c.fleet[1]
		if err := o.Drain(t.Context(), a.Replica()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		<-a.Draining()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the replica got the order after %v", took)
		}
		time.Sleep(30 * time.Second)
		select {
		case <-b.Draining():
			t.Error("the other replica got the order, too")
		default:
		}
		if err := o.Forget(t.Context(), b.Replica()); err == nil || !strings.Contains(err.Error(), "is not lost") {
			t.Error(err)
		}
		c.wires[1].Cut()
		time.Sleep(30 * time.Second)
		if err := o.Drain(t.Context(), b.Replica()); err == nil || !strings.Contains(err.Error(), "forget it") {
			t.Error(err)
		}
		if err := o.Forget(t.Context(), b.Replica()); err != nil {
			t.Error(err)
		}
		if left := c.rdb.Exists(t.Context(), lua.Keys(limiter.DefaultNamespace).Replica(b.Replica())).Val(); left != 0 {
			t.Error("the record of the forgotten replica still exists")
		}
	})
}
