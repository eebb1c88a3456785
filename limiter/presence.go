package limiter

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// presenceEvery is how often a replica announces itself.
	presenceEvery = 10 * time.Second
	// collectJitter spreads the requests of replicas at the end of a collection.
	collectJitter = 500 * time.Millisecond
)

// keepPresence announces this replica every 10 s, reads what is in force, and removes idle lanes.
func (l *Limiter) keepPresence() {
	tick := time.NewTimer(presenceEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-l.life.Done():
			return
		case <-tick.C:
			tick.Reset(presenceEvery)
		}
		if l.Health().Mode != Connected { // without Redis the replica asks anyway
			l.sweep(time.Now())
			continue
		}
		err := l.configure(l.life)
		l.sweep(time.Now())
		l.mu.Lock()
		collects := l.conf.collects
		l.announced = l.announced || err == nil
		l.mu.Unlock()
		if err == nil && collects > 0 { // ask soon after the collection has ended, but not all replicas in the same moment
			tick.Reset(min(presenceEvery, collects+rand.N(collectJitter)))
		}
		if l.life.Err() == nil && (err != nil) != failing {
			if failing = err != nil; failing {
				l.s.Logger.WarnContext(l.life, "this replica cannot be announced to redis", "namespace", l.s.Namespace, "error", err)
			} else {
				l.s.Logger.InfoContext(l.life, "this replica is announced to redis again", "namespace", l.s.Namespace)
			}
		}
	}
}

// leave announces that this replica ends.
func (l *Limiter) leave(ctx context.Context) error {
	if err := l.beginConfiguring(ctx); err != nil {
		return err
	}
	defer l.endConfiguring()
	_, err := l.store.configure(ctx, nil, true)
	l.publishing.Wait()
	if l.publisher != nil && err == nil {
		err = l.publisher.withdraw(ctx)
	}
	return err
}
