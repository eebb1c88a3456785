package limiter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Operator changes a namespace from outside. It is for tools of operators. It is no replica: it has no limits and never
// counts as live. Its actions are recorded, see [ReadEvents]. It is safe for concurrent use, and need not be closed.
//
// Errors wrap [ErrUnavailable], except errors about an action that is not possible.
type Operator struct {
	store     *redisStore
	namespace string
	by        string
}

// NewOperator returns an operator of a namespace. by names the person, such as a user and a host.
func NewOperator(rdb redis.UniversalClient, namespace, by string) (*Operator, error) {
	if err := ValidateName("namespace", namespace); err != nil {
		return nil, err
	}
	s := settings{Config: Config{Namespace: namespace, Replica: "operator", Horizon: DefaultHorizon, CallTimeout: defaultCallTimeout, Logger: slog.New(slog.DiscardHandler)}}
	return &Operator{store: newRedisStore(rdb, s, nil), namespace: namespace, by: by}, nil
}

// Configure is [Limiter.Configure].
func (o *Operator) Configure(ctx context.Context, bucket string, limits ...Limit) error {
	c, texts := change{bucket: bucket}, make([]string, len(limits))
	if len(limits) > 0 {
		var err error
		if c.limits, err = normalBucket(bucket, limits, DefaultHorizon); err != nil {
			return err
		}
		for i, b := range c.limits {
			texts[i] = b.limit.String()
		}
	}
	what := "limit set to " + strings.Join(texts, " and ")
	if len(limits) == 0 {
		what = "limit as configured"
	}
	return o.sendChange(ctx, c, what, nil)
}

// Pause is [Limiter.Pause].
func (o *Operator) Pause(ctx context.Context, bucket string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("limiter: pause of %v: want a duration, or limiter.UntilResumed for one without end", d)
	}
	us, what := int64(forever), "paused until resumed"
	if d < UntilResumed {
		us, what = min(forever, max(1, d.Microseconds())), fmt.Sprintf("paused for %v", d)
	}
	return o.sendChange(ctx, change{bucket: bucket, opens: &opening{at: us}}, what, func(b BucketSnapshot) error {
		if b.PausedFor > d {
			return fmt.Errorf("limiter: bucket %s is shut for longer already: resume it first", bucket)
		}
		return nil
	})
}

// Resume is [Limiter.Resume]. It also ends holds that providers asked for.
func (o *Operator) Resume(ctx context.Context, bucket string) error {
	return o.sendChange(ctx, change{bucket: bucket, opens: &opening{}}, "resumed", nil)
}

// Restore sets the tokens of a bucket: its limits hold so many tokens now, at most their bursts. Windows do not change.
// Restore is for slow limits, when somebody knows better than the fleet what is left of a quota: after a loss of Redis'
// memory, or when the quota was spent elsewhere. Outstanding reservations are paid already.
func (o *Operator) Restore(ctx context.Context, bucket string, tokens int64) error {
	if tokens < 0 || tokens > exact {
		return fmt.Errorf("limiter: %d tokens: want 0 or more", tokens)
	}
	limits := 0
	return o.sendChange(ctx, change{bucket: bucket, words: lua.TellLevel(bucket, tokens)}, fmt.Sprintf("level set to %d tokens", tokens), func(b BucketSnapshot) error {
		switch {
		case b.PausedFor > 0:
			return fmt.Errorf("limiter: bucket %s is shut, and empty when it opens: resume it first", bucket)
		case !b.Limit.Window:
			limits++
		}
		return nil
	}, func() error {
		if limits == 0 {
			return fmt.Errorf("limiter: bucket %s has windows only: what they count cannot be set", bucket)
		}
		return nil
	})
}

// Unlearn makes a bucket forget what it has learnt of its provider. Calls start at the configured rate again until they
// are refused. A bucket of [Config.Learn] learns from the beginning.
func (o *Operator) Unlearn(ctx context.Context, bucket string) error {
	return o.sendChange(ctx, change{bucket: bucket, words: lua.TellUnlearn(bucket)}, "forgets what it has learnt of its provider", nil)
}

// Shadow is [Limiter.ConfigureShadow].
func (o *Operator) Shadow(ctx context.Context, mode ShadowMode) error {
	text, ok := shadowWords[mode]
	if !ok {
		return errShadowMode(mode)
	}
	what := "shadow mode " + text
	if text == "" {
		what = "shadow mode as configured"
	}
	return o.sendChange(ctx, change{shadow: &text}, what, nil)
}

// ShadowBucket is [Limiter.ShadowBucket].
func (o *Operator) ShadowBucket(ctx context.Context, bucket string, on bool) error {
	what := "delays nobody (shadow mode)"
	if !on {
		what = "limits again (no shadow mode)"
	}
	return o.sendChange(ctx, change{bucket: bucket, beside: &on}, what, nil)
}

// orderKept is how long an order waits for its replica. A replica that has not read it by then has stopped publishing,
// too.
const orderKept = 2 * quietPublish

// Drain asks a replica to take nothing new and to end: see [Limiter.Draining]. The replica reads the order with its
// next record, within 10 s. Drain returns an error if there is no such replica, or if it is lost.
func (o *Operator) Drain(ctx context.Context, replica string) error {
	age, err := o.age(ctx, replica)
	switch {
	case err != nil:
		return err
	case age > quietPublish+RecordLate:
		return fmt.Errorf("limiter: replica %s is lost: it has published nothing for %v; forget it", replica, age.Round(time.Second))
	}
	text, err := o.store.rdb.Get(ctx, o.store.keys.Replica(replica)).Bytes()
	if err != nil {
		return o.failed(ctx, err)
	}
	var r Record
	if json.Unmarshal(text, &r) != nil || r.Version != RecordVersion {
		return fmt.Errorf("limiter: the record of replica %s is of another version", replica)
	}
	if err := o.store.rdb.Set(ctx, o.store.keys.Order(replica), drainOrder(r.PID, r.Started), orderKept).Err(); err != nil {
		return o.failed(ctx, err)
	}
	return o.record(ctx, Event{What: "asked to drain", Of: "replica " + replica})
}

// Forget removes the record of a lost replica. It returns an error for a live replica, which would publish its record
// again.
func (o *Operator) Forget(ctx context.Context, replica string) error {
	age, err := o.age(ctx, replica)
	switch {
	case err != nil:
		return err
	case age <= quietPublish+RecordLate:
		return fmt.Errorf("limiter: replica %s published its record %v ago: it is not lost", replica, age.Round(time.Second))
	}
	_, err = o.store.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, o.store.keys.Replicas(), replica)
		p.Del(ctx, o.store.keys.Replica(replica))
		return nil
	})
	if err != nil {
		return o.failed(ctx, err)
	}
	return o.record(ctx, Event{What: "forgotten", Of: "replica " + replica})
}

// age returns how long ago a replica published its record.
func (o *Operator) age(ctx context.Context, replica string) (time.Duration, error) {
	var now *redis.TimeCmd
	var beat *redis.FloatCmd
	_, err := o.store.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		now, beat = p.Time(ctx), p.ZScore(ctx, o.store.keys.Replicas(), replica)
		return nil
	})
	if errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("limiter: namespace %s has no replica %q", o.namespace, replica)
	}
	if err != nil {
		return 0, o.failed(ctx, err)
	}
	return now.Val().Sub(time.UnixMilli(int64(beat.Val()))), nil
}

// sendChange sends a change to the fleet, if the namespace has the bucket, and records it. check returns an error for a
// limit of the bucket that does not allow the change. Each function of then returns an error for all of them together.
func (o *Operator) sendChange(ctx context.Context, c change, what string, check func(BucketSnapshot) error, then ...func() error) error {
	s, err := ReadSnapshot(ctx, o.store.rdb, o.namespace)
	if err != nil {
		return err
	}
	if s.Epoch == "" {
		return fmt.Errorf("limiter: nobody has used namespace %s", o.namespace)
	}
	known := c.shadow != nil
	for _, b := range s.Buckets {
		if b.Bucket != c.bucket {
			continue
		}
		known = true
		if check != nil {
			if err := check(b); err != nil {
				return err
			}
		}
	}
	for _, check := range then {
		if err := check(); err != nil && known {
			return err
		}
	}
	if !known {
		return fmt.Errorf("limiter: namespace %s has no bucket %q", o.namespace, c.bucket)
	}
	conf, err := o.store.configure(ctx, []change{c}, true)
	if err != nil {
		return err
	}
	if c.shadow == nil && len(conf.limits[c.bucket]) == 0 {
		return fmt.Errorf("limiter: bucket %s is not in force: no live replica wants it", c.bucket)
	}
	e := Event{What: what, Of: "bucket " + c.bucket}
	if c.shadow != nil {
		e.Of = "fleet"
	}
	return o.record(ctx, e)
}

func (o *Operator) failed(ctx context.Context, err error) error {
	return o.store.refuses.failed(ctx, err, false)
}

const (
	eventsKept = 7 * 24 * time.Hour
	mostEvents = 1000 // about how many are kept
)

// record records an event. If that fails, the action is still done, and the error says so.
func (o *Operator) record(ctx context.Context, e Event) error {
	// The action stays done when its caller goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.store.timeout)
	defer cancel()
	_, err := o.store.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{
			Stream: o.store.keys.Events(), MaxLen: mostEvents, Approx: true, Values: []string{"what", e.What, "of", e.Of, "by", o.by},
		})
		p.PExpire(ctx, o.store.keys.Events(), eventsKept)
		return nil
	})
	if err != nil {
		return fmt.Errorf("limiter: %s is %s, but that is not recorded: %w", e.Of, e.What, o.failed(ctx, err))
	}
	return nil
}
