package limiter

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// presenceEvery is how often a replica says that it lives.
	presenceEvery = 10 * time.Second
	// collectJitter spreads those who ask when a collection of what replicas remember ends.
	collectJitter = 500 * time.Millisecond
)

// keepPresence says every 10 s that this replica lives, hears what is in force, and gives up lanes that are idle.
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
		if l.Health().Mode != Connected { // it asks again and again anyway
			l.sweep(time.Now())
			continue
		}
		err := l.configure(l.life)
		l.sweep(time.Now())
		l.mu.Lock()
		collects := l.conf.collects
		l.announced = l.announced || err == nil
		l.mu.Unlock()
		if err == nil && collects > 0 { // hear of the end, together with the others, but not in the same moment
			tick.Reset(min(presenceEvery, collects+rand.N(collectJitter)))
		}
		if l.life.Err() == nil && (err != nil) != failing {
			if failing = err != nil; failing {
				l.s.Logger.WarnContext(l.life, "redis cannot be told that this replica lives", "namespace", l.s.Namespace, "error", err)
			} else {
				l.s.Logger.InfoContext(l.life, "redis hears that this replica lives again", "namespace", l.s.Namespace)
			}
		}
	}
}

// leave says that this replica ends.
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
