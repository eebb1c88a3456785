package limiter

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

const (
	// DefaultPublish is how often a changing record is published, and 10 s how often an unchanged one is.
	DefaultPublish = 2 * time.Second
	quietPublish   = 10 * time.Second
	// RecordLate is how late a replica may publish its next record before it counts as lost.
	RecordLate = 8 * time.Second
	// RecordKept is how long a record stays in Redis after its last publication: until its replica counts as lost, and
	// a minute more: 78 s.
	RecordKept = quietPublish + RecordLate + time.Minute
)

// publisher is a store with records that others can read.
type publisher interface {
	// publish writes the record of this replica.
	publish(ctx context.Context, text []byte) error
	// announce is publish, and keeps the replica in the list of replicas. It returns the order of an operator since the
	// last time.
	announce(ctx context.Context, text []byte) (order string, err error)
	// withdraw removes the record.
	withdraw(ctx context.Context) error
}

func (s *redisStore) publish(ctx context.Context, text []byte) error {
	ctx, cancel := s.publishing(ctx)
	defer cancel()
	return lua.Publish(ctx, s.client(), s.keys, s.replica, text, RecordKept)
}

// publishing is the context of a publishing command. It outlives the end of the limiter: a command that is cut off
// could reach Redis after the record was withdrawn.
func (s *redisStore) publishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), min(s.timeout, time.Second))
}

func (s *redisStore) announce(ctx context.Context, text []byte) (order string, err error) {
	ctx, cancel := s.publishing(ctx)
	defer cancel()
	return lua.Heartbeat(ctx, s.client(), s.keys, s.replica, text, RecordKept, RecordKept)
}

func (s *redisStore) withdraw(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, s.keys.Replicas(), s.replica)
		p.Del(ctx, s.keys.Replica(s.replica))
		return nil
	})
	return err
}

// keepPublishing publishes the record of this replica until the limiter ends. Nothing depends on it: if one write
// fails, the next one replaces it.
func (l *Limiter) keepPublishing() {
	tick := time.NewTicker(l.s.Publish)
	defer tick.Stop()
	var (
		used      usage
		last      []byte    // the last record written, as if it were to be repeated soon
		written   time.Time // when it was written
		announced time.Time // when the replica was last announced
		quiet     bool      // the announcement promises no changes
		failing   bool
	)
	for {
		now := time.Now()
		r := l.record(now)
		r.Buckets = used.take(now, l.tallies)
		r.Sections, r.Omitted = l.sections.texts(l.life, l)
		r.EveryMS = l.s.Publish.Milliseconds()
		text, err := r.text()
		same := bytes.Equal(text, last)
		away := l.Health().Mode != Connected
		if away { // each try would be a connection, and the next record after the outage is complete
			last = nil
		}
		if err == nil && !away && (!same || !quiet || now.Sub(written) > quietPublish-l.s.Publish) {
			last, written, quiet = text, now, same
			if quiet {
				r.EveryMS = max(r.EveryMS, quietPublish.Milliseconds())
				text, err = r.text()
			}
			switch {
			case err != nil:
			case now.Sub(announced) > quietPublish-l.s.Publish:
				var order string
				if order, err = l.publisher.announce(l.life, text); err == nil {
					announced = now
				}
				if order == l.drainOrder() {
					l.ordered()
				}
			default:
				err = l.publisher.publish(l.life, text)
			}
			if err != nil {
				last = nil
			}
		}
		if l.life.Err() == nil && !away && (err != nil) != failing {
			if failing = err != nil; failing {
				l.s.Logger.WarnContext(l.life, "the record of this replica cannot be published: it will be shown as lost", "namespace", l.s.Namespace, "error", err)
			} else {
				l.s.Logger.InfoContext(l.life, "the record of this replica is published again", "namespace", l.s.Namespace)
			}
		}
		select {
		case <-tick.C:
		case <-l.life.Done():
			return
		}
	}
}

// drainOrder is the order by which an operator asks this process to drain. It does not match another process of the
// same name.
func (l *Limiter) drainOrder() string { return drainOrder(os.Getpid(), l.started()) }

// started returns when the limiter began, as in its records.
func (l *Limiter) started() time.Time { return l.created.UTC().Truncate(time.Second) }

func drainOrder(pid int, started time.Time) string {
	return fmt.Sprintf("drain %d %d", pid, started.Unix())
}

// Draining returns a channel that is closed when an operator asks this replica to drain. The limiter itself continues:
// the program that runs the replica ends it. The channel is never closed if nothing is published.
func (l *Limiter) Draining() <-chan struct{} { return l.drain }
